//! What the bot would say on Discord about some faces: reads them as JSON from standard input, writes each message's words
//! and buttons as NAME.json and its card as NAME.png into the folder that is given. `scripts/screenshots` makes the
//! README's pictures with it.
//!
//! ```json
//! [{ "name": "three", "lang": "en", "link": "https://discord.com/channels/1/2/3",
//!    "faces": [{ "id": 4, "score": { "mean": 4.2, "spread": 0.4, "calibration": { "calibration": "calibrated", "ratings": 20 } },
//!                "crop": "crops/4.jpg" }] }]
//! ```

use std::path::{Path, PathBuf};

use anyhow::Context;
use mekiki::discord::{Lang, Told, ToldFace, compose};
use mekiki::domain::{Calibration, FaceId, PostId, Score};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Message {
    name: String,
    lang: String,
    link: Option<String>,
    /// Best first.
    faces: Vec<Face>,
}

#[derive(Deserialize)]
struct Face {
    id: i64,
    score: Option<Score>,
    /// JPEG.
    crop: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("the folder to write to is missing")?;
    let messages: Vec<Message> =
        serde_json::from_reader(std::io::stdin()).context("standard input is not as described")?;
    messages.into_iter().try_for_each(|message| write(message, Path::new(&folder)))
}

fn write(message: Message, folder: &Path) -> anyhow::Result<()> {
    let lang = Lang::of_locale(&message.lang).with_context(|| format!("no language: {}", message.lang))?;
    let mut faces = Vec::new();
    for face in message.faces {
        let crop = std::fs::read(&face.crop).with_context(|| format!("cannot read {}", face.crop.display()))?;
        faces.push(ToldFace { post: PostId(1), face: FaceId(face.id), score: face.score, crop: Some(crop) });
    }
    let calibration = faces.iter().find_map(|f| f.score).map_or(Calibration::from_ratings(0), |s| s.calibration());
    let told =
        Told { faces, calibration, link: message.link, own: None, hidden: false, spoilered: false, notes: Vec::new() };
    let said = compose(lang, &told).context("a message has faces")?;
    let words = json!({ "text": said.text, "alt": said.alt, "components": said.components });
    std::fs::write(folder.join(format!("{}.json", message.name)), serde_json::to_vec_pretty(&words)?)?;
    if let Some(card) = said.card {
        std::fs::write(folder.join(format!("{}.png", message.name)), card)?;
    }
    Ok(())
}
