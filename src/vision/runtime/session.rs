//! A session on the device asked for, proved by a probe run.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::Session;
use ort::session::builder::{AutoDevicePolicy, SessionBuilder};
use ort::value::Tensor;

use super::provider::{Provider, Shares, main_provider, shares};
use super::{FETCH, Runtime};

/// Where the models run: the setting `MEKIKI_DEVICE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// CUDA if it works, else the CPU, and the reason is told.
    #[default]
    Auto,
    Cpu,
    Cuda,
    Tensorrt,
}

impl Device {
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cpu, Self::Cuda, Self::Tensorrt];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Tensorrt => "tensorrt",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device is one of auto, cpu, cuda, tensorrt")]
pub struct BadDevice;

impl FromStr for Device {
    type Err = BadDevice;

    fn from_str(s: &str) -> Result<Self, BadDevice> {
        Self::ALL.into_iter().find(|device| device.as_str() == s).ok_or(BadDevice)
    }
}

/// How a session runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSettings {
    pub device: Device,
    /// Threads that share the work of one step on the CPU. They sleep while there is none.
    pub threads: NonZeroUsize,
    /// Keep freed memory for the next run instead of giving it back after each step. Off, the detector's batch of 4
    /// took 1.4 times and the embedder's batch of 8 1.5 times as long, and the peak was higher, not lower: the C
    /// allocator gives large blocks back to the system and faults them in again.
    pub arena: bool,
    /// Plan one block of memory for each input shape seen. The detector sees many shapes, and each plan costs memory
    /// (18 MB after 150 pictures); the time it saved was within the noise.
    pub memory_pattern: bool,
}

impl SessionSettings {
    /// Lean and fast: see the fields.
    pub fn new(device: Device, threads: NonZeroUsize) -> Self {
        Self { device, threads, arena: true, memory_pattern: false }
    }
}

/// Why a model does not run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("MEKIKI_DEVICE={device} is asked for, and {reason}. {}", remedy(*.device))]
    DeviceMissing { device: Device, reason: String },
    #[error("the model {} does not run: {reason}. Are the model and ONNX Runtime the project's own (`{FETCH}`)?", .model.display())]
    Model { model: PathBuf, reason: String },
}

fn remedy(device: Device) -> String {
    let libraries = match device {
        Device::Tensorrt => "the NVIDIA driver, CUDA 13, cuDNN 9 and TensorRT 10",
        Device::Cuda => "the NVIDIA driver, CUDA 13 and cuDNN 9",
        Device::Auto | Device::Cpu => return format!("Run `{FETCH}`."),
    };
    format!(
        "It needs {libraries}, and the ONNX Runtime 1.31 that is built for them (PyPI: onnxruntime-gpu): run \
         `scripts/fetch-onnxruntime --gpu`. MEKIKI_DEVICE=auto would take the CPU instead."
    )
}

impl Runtime {
    /// Builds a session for the model file on `settings.device` and runs it once, on zeros of the shape `probe` (of its
    /// first input, f32), to learn which provider does the work. With [`Device::Auto`] a CUDA that does not work is left
    /// aside and the provider's note says why; a device asked for by name is an error if it does not work.
    pub fn session(
        &self,
        model: &Path,
        probe: &[usize],
        settings: SessionSettings,
    ) -> Result<(Session, Provider), SessionError> {
        if settings.device != Device::Auto {
            return self.session_on(settings.device, model, probe, settings);
        }
        match self.session_on(Device::Cuda, model, probe, settings) {
            Ok(found) => Ok(found),
            Err(SessionError::DeviceMissing { reason, .. }) => {
                let (session, provider) = self.session_on(Device::Cpu, model, probe, settings)?;
                Ok((session, Provider { note: Some(format!("no CUDA: {reason}")), ..provider }))
            }
            Err(error) => Err(error),
        }
    }

    fn session_on(
        &self,
        device: Device,
        model: &Path,
        probe: &[usize],
        settings: SessionSettings,
    ) -> Result<(Session, Provider), SessionError> {
        // On the CPU what fails is the model; elsewhere it is first of all the device.
        let failed = |reason: String| match device {
            Device::Auto | Device::Cpu => SessionError::Model { model: model.to_path_buf(), reason },
            Device::Cuda | Device::Tensorrt => SessionError::DeviceMissing { device, reason },
        };
        let (wanted, providers) = providers(device, settings).map_err(failed)?;
        let profile = tempfile::tempdir().map_err(|e| failed(format!("no temporary folder for the probe: {e}")))?;
        let mut session = self
            .builder(&providers, settings)
            .and_then(|builder| Ok(builder.with_profiling(profile.path().join("probe"))?))
            .and_then(|mut builder| builder.commit_from_file(model))
            .map_err(|e| failed(plain(&e.to_string())))?;
        let shares = probed(&mut session, probe).map_err(|e| failed(plain(&format!("{e:#}"))))?;
        let provider = main_provider(&shares).ok_or_else(|| failed("the probe run had no step".into()))?;
        if provider.name != wanted {
            let ran = shares.get(wanted).map_or(0, |share| share.nodes);
            return Err(failed(format!("{wanted} ran {ran} steps of the probe, {} the most", provider.name)));
        }
        Ok((session, provider))
    }

    fn builder(
        &self,
        providers: &[ExecutionProviderDispatch],
        settings: SessionSettings,
    ) -> ort::Result<SessionBuilder> {
        let builder = Session::builder(&self.environment)?
            // Without it `ort` lets ONNX Runtime add providers of its own choice (CoreML on macOS).
            .with_auto_device(AutoDevicePolicy::PreferCPU)?
            .with_execution_providers(providers)?
            .with_memory_pattern(settings.memory_pattern)?
            .with_intra_threads(settings.threads.get())?
            .with_intra_op_spinning(false)?;
        Ok(builder)
    }
}

/// ONNX Runtime's words without its source file, function and error number.
fn plain(said: &str) -> String {
    let words = match said.split_once("[ONNXRuntimeError] : ") {
        Some((_, rest)) => rest.splitn(3, " : ").last().unwrap_or(rest),
        None => said,
    };
    words.trim().trim_end_matches('.').to_owned()
}

/// The provider whose running proves the device, and all that are registered, best first.
fn providers(
    device: Device,
    settings: SessionSettings,
) -> Result<(&'static str, Vec<ExecutionProviderDispatch>), String> {
    let built_in = |found: ort::Result<bool>, name: &str| match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("this ONNX Runtime is built without {name}")),
        Err(e) => Err(format!("ONNX Runtime does not tell what it is built with: {e}")),
    };
    let cpu = ep::CPU::default().with_arena_allocator(settings.arena).build().error_on_failure();
    let cuda = || ep::CUDA::default().build().error_on_failure();
    match device {
        Device::Auto | Device::Cpu => Ok((ep::CPU::NAME, vec![cpu])),
        Device::Cuda => {
            built_in(ep::CUDA::is_available(), "CUDA")?;
            Ok((ep::CUDA::NAME, vec![cuda(), cpu]))
        }
        Device::Tensorrt => {
            built_in(ep::TensorRT::is_available(), "TensorRT")?;
            Ok((ep::TensorRT::NAME, vec![ep::TensorRT::default().build().error_on_failure(), cuda(), cpu]))
        }
    }
}

/// Runs the session once on zeros and ends its profiling.
fn probed(session: &mut Session, shape: &[usize]) -> anyhow::Result<Shares> {
    let zeros = Tensor::from_array((shape.to_vec(), vec![0.0_f32; shape.iter().product()]))?;
    session.run(ort::inputs![zeros])?;
    let profile = std::fs::read(session.end_profiling()?)?;
    Ok(shares(&profile)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::runtime::for_tests;

    const FACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/face-v2.onnx");
    const EMBED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models/embed-v2.onnx");
    const SMALL: [usize; 4] = [1, 3, 64, 64];

    fn settings(device: Device) -> SessionSettings {
        SessionSettings::new(device, NonZeroUsize::MIN)
    }

    /// Whether the library at hand is the plain build; with a GPU build the answers depend on the machine.
    fn plain_build() -> bool {
        for_tests();
        !ep::CUDA::is_available().unwrap()
    }

    #[test]
    fn both_models_run_on_the_cpu_and_the_provider_is_the_one_that_ran() {
        for (model, shape) in [(FACE, SMALL), (EMBED, [1, 3, 224, 224])] {
            let (mut session, provider) = for_tests().session(Path::new(model), &shape, settings(Device::Cpu)).unwrap();
            assert_eq!(provider, Provider { name: "CPUExecutionProvider".into(), note: None });
            // The profiled session is the one that stays in use.
            let zeros = Tensor::from_array((shape, vec![0.0_f32; shape.iter().product()])).unwrap();
            assert_eq!(session.run(ort::inputs![zeros]).unwrap().len(), 2);
        }
    }

    #[test]
    fn auto_falls_back_to_the_cpu_and_says_why() {
        if !plain_build() {
            eprintln!("SKIPPED: this ONNX Runtime is a GPU build");
            return;
        }
        let (_, provider) = for_tests().session(Path::new(FACE), &SMALL, settings(Device::Auto)).unwrap();
        assert_eq!(provider.name, "CPUExecutionProvider");
        assert!(provider.note.unwrap().contains("built without CUDA"));
    }

    #[test]
    fn a_device_asked_for_by_name_is_an_error_that_says_what_to_install() {
        if !plain_build() {
            eprintln!("SKIPPED: this ONNX Runtime is a GPU build");
            return;
        }
        for (device, needs) in [(Device::Cuda, "CUDA 13 and cuDNN 9"), (Device::Tensorrt, "TensorRT 10")] {
            let error = for_tests().session(Path::new(FACE), &SMALL, settings(device)).unwrap_err();
            assert!(matches!(error, SessionError::DeviceMissing { .. }), "{error}");
            let said = error.to_string();
            assert!(said.contains(needs) && said.contains("onnxruntime-gpu"), "{said}");
            assert!(said.contains(device.as_str()), "{said}");
        }
    }

    #[test]
    fn a_model_that_is_none_or_gets_a_wrong_shape_is_named() {
        let page = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(page.path(), "not a model").unwrap();
        let error = for_tests().session(page.path(), &SMALL, settings(Device::Auto)).unwrap_err();
        assert!(matches!(&error, SessionError::Model { model, .. } if model == page.path()), "{error}");
        let error = for_tests().session(Path::new(EMBED), &SMALL, settings(Device::Cpu)).unwrap_err();
        assert!(error.to_string().contains("embed-v2.onnx"), "{error}");
    }

    #[test]
    fn the_reason_is_told_without_onnx_runtimes_source_lines() {
        let said = "/src/bridge.cc:2043 onnxruntime::Provider& Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load \
                    library cuda.so with error: libcublasLt.so.13: cannot open\n";
        assert_eq!(plain(said), "Failed to load library cuda.so with error: libcublasLt.so.13: cannot open");
        assert_eq!(plain("Load model failed."), "Load model failed");
    }

    #[test]
    fn devices_are_read_as_they_are_written() {
        for device in Device::ALL {
            assert_eq!(device.to_string().parse(), Ok(device));
        }
        assert_eq!("gpu".parse::<Device>(), Err(BadDevice));
    }
}
