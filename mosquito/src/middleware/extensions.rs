//! Values by their type: one of each.

use std::any::{Any, TypeId};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Extensions(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl Extensions {
    pub(super) fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(value));
    }

    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>())?.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::Extensions;

    #[test]
    fn there_is_one_value_of_each_type() {
        let mut extensions = Extensions::default();

        extensions.insert(1_u8);
        extensions.insert(2_u16);
        extensions.insert(3_u8);

        assert_eq!((extensions.get::<u8>(), extensions.get::<u16>()), (Some(&3), Some(&2)));
        assert_eq!(extensions.get::<u32>(), None);
    }
}
