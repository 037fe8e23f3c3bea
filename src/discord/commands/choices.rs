//! Options that are one of a few, named in every language.

/// Makes a wrapper of an enum an option of a command: `choices!(Wrapper(Enum) { Enum::A => "key", … })`.
macro_rules! choices {
    ($wrapper:ident($inner:ty) { $($value:path => $key:literal),+ $(,)? }) => {
        impl poise::ChoiceParameter for $wrapper {
            fn list() -> std::borrow::Cow<'static, [poise::CommandParameterChoice]> {
                vec![$(poise::CommandParameterChoice {
                    name: tr!($crate::discord::Lang::En, $key).into_owned().into(),
                    localizations: vec![("ja".into(), tr!($crate::discord::Lang::Ja, $key).into_owned().into())].into(),
                    __non_exhaustive: (),
                }),+]
                .into()
            }

            fn from_index(index: usize) -> Option<Self> {
                [$($value),+].get(index).copied().map(Self)
            }

            /// By its name in any language, as somebody types it after the prefix.
            fn from_name(name: &str) -> Option<Self> {
                let name = name.to_lowercase();
                $(if $crate::discord::Lang::ALL.iter().any(|lang| tr!(lang, $key) == name) {
                    return Some(Self($value));
                })+
                None
            }

            fn name(&self) -> &'static str {
                [$(($value, $key)),+].iter().find(|(value, _)| *value == self.0).map_or("", |(_, key)| key)
            }

            fn localized_name(&self, _: &str) -> Option<&'static str> {
                None
            }
        }
    };
}
pub(super) use choices;
