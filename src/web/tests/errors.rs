//! Each reason for which a picture can fail is said in the visitor's language.

use super::fixture::{Fixture, Site, pending};
use crate::pipeline::{PostState, PostView};
use crate::vision::decode::{DecodeError, Format};
use crate::web::{Lang, words};

/// The pipeline's own codes, beside those of the decoder.
const OURS: [&str; 4] = ["original_gone", "poison", "model", "internal"];

fn one_of_each() -> Vec<DecodeError> {
    let format = Format::Jpeg;
    vec![
        DecodeError::Empty,
        DecodeError::TooManyBytes { bytes: 2 << 20, limit: 1 << 20 },
        DecodeError::NotSupported { name: "AVIF" },
        DecodeError::NotAPicture { what: "a web page" },
        DecodeError::Unknown,
        DecodeError::TooSmall { width: 1, height: 20_000 },
        DecodeError::TooManyPixels { width: 65_535, height: 65_535, limit: 100_000_000 },
        DecodeError::TooMuchMemory { width: 9_000, height: 9_000, needed: 2 << 30, limit: 1 << 30 },
        DecodeError::CutOff { format },
        DecodeError::Damaged { format, why: "bad marker".into() },
        DecodeError::UnsupportedKind { format, what: "lossless".into() },
        DecodeError::Crashed { format },
    ]
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| ('ぁ'..='ヶ').contains(&c))
}

#[test]
fn every_error_is_said_in_both_languages_with_its_numbers() {
    for error in one_of_each() {
        let (code, english) = (error.code(), error.to_string());
        assert_eq!(words::error(Lang::En, code, &english), english, "{code}");
        let japanese = words::error(Lang::Ja, code, &english);
        assert!(is_japanese(&japanese), "{code} is not translated: {japanese}");
        // What the code does not tell stays readable.
        let has_particulars = !matches!(error, DecodeError::Empty | DecodeError::Unknown);
        assert_eq!(japanese.contains(&english), has_particulars, "{code}: {japanese}");
    }
    for code in OURS {
        assert!(is_japanese(&words::error(Lang::Ja, code, "detail")), "{code}");
        assert!(!words::error(Lang::En, code, "detail").is_empty(), "{code}");
    }
    assert_eq!(words::error(Lang::Ja, "of the future", "detail"), "detail");
}

#[tokio::test]
async fn a_failed_post_says_why_in_the_visitors_language() {
    let error = DecodeError::CutOff { format: Format::Png };
    let failed = PostView {
        state: PostState::Failed,
        error_code: Some(error.code().into()),
        error: Some(error.to_string()),
        ..pending(1)
    };
    let site = Site::new(Fixture::with(vec![failed]));
    let page = site.get_in("ja", "/").await.body;
    assert!(page.contains("採点できませんでした：ファイルが途中で切れています。"), "{page}");
    let page = site.get_in("en", "/").await.body;
    assert!(page.contains("Could not be scored: the PNG file is cut off; download it again"), "{page}");
}
