-- In front of every other script, on a clock that a test moves: the time in ms stands under CLOCK_KEY.
local server = redis
local redis = setmetatable({
  call = function(command, ...)
    if command == 'TIME' then
      local now = tonumber(server.call('GET', 'CLOCK_KEY'))
      return { math.floor(now / 1000), now % 1000 * 1000 }
    end
    if command == 'SET' then return server.call('SET', (...), (select(2, ...))) end
    if command == 'PEXPIRE' then return 1 end
    return server.call(command, ...)
  end,
}, { __index = server })
