//! What a fuzzer does with the decoders: each takes any bytes, and what it accepts must come back the same.
//!
//! For tests and for cargo-fuzz (the folder `fuzz`); no part of the crate otherwise.

use crate::codec::{
    conform, conform_upgraded, decode, decode_json, decode_json_untyped, encode, implied_type,
};
use crate::{AttributePath, Step, Type, Value, ValueError};

/// A type as JSON, a line break, and a value of it in msgpack.
pub fn msgpack(input: &[u8]) {
    let Some((ty, bytes)) = typed(input) else {
        return;
    };
    match decode(bytes, &ty) {
        Ok(value) => comes_back(&value, &ty),
        Err(error) => assert_place(&error, &ty),
    }
}

/// A type as JSON, a line break, and a state as JSON.
pub fn state(input: &[u8]) {
    let Some((ty, bytes)) = typed(input) else {
        return;
    };
    match decode_json(bytes, &ty) {
        Ok(value) => comes_back(&value, &ty),
        Err(error) => assert_place(&error, &ty),
    }
    // What a resource's own upgrade is given, and what is made of its answer.
    match decode_json_untyped(bytes) {
        Ok(value) => {
            comes_back(&value, &implied_type(&value));
            match conform_upgraded(value, &ty, &AttributePath::root()) {
                Ok(value) => comes_back(&value, &ty),
                Err(error) => assert_place(&error, &ty),
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A type as JSON.
pub fn types(input: &[u8]) {
    let Ok(ty) = serde_json::from_slice::<Type>(input) else {
        return;
    };
    let json = serde_json::to_vec(&ty).unwrap_or_default();
    assert_eq!(
        serde_json::from_slice::<Type>(&json).ok(),
        Some(ty),
        "a type does not come back"
    );
}

fn typed(input: &[u8]) -> Option<(Type, &[u8])> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let (json, rest) = input.split_at_checked(end)?;
    Some((serde_json::from_slice(json).ok()?, rest.get(1..)?))
}

/// What was accepted fits its type as it is, and its encoding is decoded to the same.
fn comes_back(value: &Value, ty: &Type) {
    let fitted = conform(value.clone(), ty, &AttributePath::root());
    assert_eq!(fitted.as_ref(), Ok(value), "what was accepted does not fit");
    let decoded = encode(value, ty).and_then(|bytes| decode(&bytes, ty));
    assert_eq!(decoded.as_ref(), Ok(value), "a value does not come back");
}

/// An error says what is wrong, at a place that values of the type have.
fn assert_place(error: &ValueError, ty: &Type) {
    assert!(!error.expected.is_empty() && !error.found.is_empty());
    let mut at = ty;
    let mut steps = error.path.steps().iter();
    for step in steps.by_ref() {
        // Elements of a set have no step of their own, and what is in a dynamic value travels with it.
        if matches!(at, Type::Set(_) | Type::Dynamic) {
            return;
        }
        match inside(at, step) {
            Some(ty) => at = ty,
            None => break,
        }
    }
    // What the type does not have may be named, and nothing within it.
    assert!(steps.next().is_none(), "{error}: no such place in a {ty}");
}

fn inside<'t>(ty: &'t Type, step: &Step) -> Option<&'t Type> {
    match (ty, step) {
        (Type::List(of), Step::Index(_)) | (Type::Map(of), Step::Key(_)) => Some(of),
        (Type::Tuple(of), Step::Index(index)) => of.get(usize::try_from(*index).ok()?),
        (Type::Object(of), Step::Attribute(name)) => of.get(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    //! A short run without a fuzzer: seeds made by the strategies of the round trips, mutated under a fixed seed.
    //! `SOAK_ROUNDS` and `SOAK_SEED` make it longer and another; `SOAK_SEEDS` names a folder to leave the seeds in.

    use std::path::{Path, PathBuf};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::codec::tests::typed as any_typed;

    const ROUNDS: u64 = 100_000;
    const SEEDS: usize = 64;

    type Target = (&'static str, fn(&[u8]));
    const TARGETS: [Target; 3] = [("msgpack", msgpack), ("state", state), ("types", types)];

    #[test]
    fn mutated_input_is_read_or_refused_with_a_place_and_never_panics() {
        let number = |name: &str, default| {
            std::env::var(name).map_or(default, |text| text.parse().expect(name))
        };
        let (rounds, seed) = (number("SOAK_ROUNDS", ROUNDS), number("SOAK_SEED", 1));
        for (name, target) in TARGETS {
            let seeds = seeds(name);
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            for round in 0..rounds {
                let input = random.mutated(&seeds);
                let caught = std::panic::catch_unwind(|| target(&input));
                assert!(
                    caught.is_ok(),
                    "{name}, round {round} of SOAK_SEED={seed}: {:?}",
                    input.escape_ascii().to_string()
                );
            }
        }
    }

    proptest! {
        #[test]
        fn a_state_is_read_as_it_was_stored((ty, value) in any_typed()) {
            let json = stored(&value).to_string();
            let read = decode_json(json.as_bytes(), &ty);
            prop_assert_eq!(read, Ok(crate::plan::unknown_as_null(value)));
        }
    }

    #[test]
    fn every_seed_is_accepted_and_can_be_left_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("SOAK_SEEDS").map_or(folder.path().into(), PathBuf::from);
        for (name, target) in TARGETS {
            let seeds = seeds(name);
            for seed in &seeds {
                assert!(accepted(name, seed), "{name}: {}", seed.escape_ascii());
            }
            leave(&folder.join(name), &seeds);
            let files = std::fs::read_dir(folder.join(name)).unwrap();
            let mut count = 0;
            for file in files {
                let input = std::fs::read(file.unwrap().path()).unwrap();
                target(&input);
                count += 1;
            }
            assert!(count >= SEEDS / 2, "{name}: {count} different seeds");
        }
    }

    fn accepted(target: &str, input: &[u8]) -> bool {
        match (target, typed(input)) {
            ("msgpack", Some((ty, bytes))) => decode(bytes, &ty).is_ok(),
            ("state", Some((ty, bytes))) => decode_json(bytes, &ty).is_ok(),
            ("types", None) => serde_json::from_slice::<Type>(input).is_ok(),
            _ => false,
        }
    }

    /// Under names that say nothing but the order, as a fuzzer wants them.
    fn leave(folder: &Path, seeds: &[Vec<u8>]) {
        std::fs::create_dir_all(folder).unwrap();
        for (at, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("{at:03}")), seed).unwrap();
        }
    }

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let mut runner = TestRunner::deterministic();
        let mut seeds = Vec::new();
        while seeds.len() < SEEDS {
            let (ty, value) = any_typed().new_tree(&mut runner).unwrap().current();
            let json = serde_json::to_vec(&ty).unwrap();
            let line = |rest: &[u8]| [&json, &b"\n"[..], rest].concat();
            let seed = match target {
                "msgpack" => line(&encode(&value, &ty).unwrap()),
                "state" => line(stored(&value).to_string().as_bytes()),
                _ => json,
            };
            if !seeds.contains(&seed) {
                seeds.push(seed);
            }
        }
        seeds
    }

    /// A value as Terraform stores it in its state, where nothing is unknown.
    fn stored(value: &Value) -> serde_json::Value {
        use serde_json::{Value as Json, json};
        match value {
            Value::Null | Value::Unknown => Json::Null,
            Value::Bool(flag) => (*flag).into(),
            Value::Number(number) => number.to_string().into(),
            Value::String(text) => text.as_str().into(),
            Value::List(elements) | Value::Tuple(elements) => elements.iter().map(stored).collect(),
            Value::Set(elements) => elements.iter().map(stored).collect(),
            Value::Map(elements) => (elements.iter())
                .map(|(key, value)| (key.clone(), stored(value)))
                .collect(),
            Value::Object(object) => (object.iter())
                .map(|(name, value)| (name.clone(), stored(value)))
                .collect(),
            Value::Dynamic(typed) => json!({"type": typed.0, "value": stored(&typed.1)}),
        }
    }

    /// xorshift64: the same everywhere, and good enough to mangle bytes.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, end: usize) -> usize {
            let end = u64::try_from(end).unwrap().max(1);
            usize::try_from(self.next().checked_rem(end).unwrap()).unwrap()
        }

        fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
            &from[self.below(from.len())]
        }

        fn range(&mut self, length: usize) -> std::ops::Range<usize> {
            let from = self.below(length);
            let to = self.below(13).saturating_add(from);
            from..to.min(length)
        }

        fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
            let mut input = self.pick(seeds).clone();
            for _ in 0..=self.below(4) {
                self.mutate(&mut input, seeds);
            }
            input
        }

        fn mutate(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
            // Markers of msgpack with the longest lengths, and what JSON is made of.
            let telling = b"\xc0\xc1\xc7\xc9\xcb\xcf\xd4\xd9\xdb\xdd\xdf\xff\x00\"[]{},:\\-.e01n";
            let at = self.below(input.len());
            let range = self.range(input.len());
            match self.below(7) {
                0 if !input.is_empty() => input[at] ^= 1 << self.below(8),
                1 if !input.is_empty() => input[at] = *self.pick(telling),
                2 => input.insert(at, *self.pick(telling)),
                3 => drop(input.drain(range)),
                4 => input.truncate(at),
                5 => {
                    let copy = input[range].to_vec();
                    drop(input.splice(at..at, copy));
                }
                _ => {
                    let other = self.pick(seeds);
                    let range = self.range(other.len());
                    drop(input.splice(at..at, other[range].iter().copied()));
                }
            }
        }
    }
}
