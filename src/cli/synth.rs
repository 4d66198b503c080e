//! `lianhu synth`: a synthetic county.

use crate::plan::synth::{self, SynthError, SynthOptions};

use super::args::SynthArgs;
use super::commands::{Failure, Outcome};

/// Makes the county and says what it holds.
pub(super) fn run(a: &SynthArgs) -> Outcome {
    if let Some(threads) = a.threads {
        // A second call in one process keeps the first pool, which only concerns speed.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build_global();
    }
    let options = SynthOptions {
        households: a.households,
        villages: a.villages,
        incidents: a.incidents,
        seed: a.seed,
        township: a.township,
    };
    // The folder is left out: the same options make the same bytes wherever they go.
    let command = format!(
        "lianhu synth{} --households {} --villages {} --incidents {} --seed {} --out DIR",
        if a.township { " --township" } else { "" },
        a.households,
        a.villages,
        a.incidents,
        a.seed
    );
    let done = synth::write(&options, &a.out, a.force, &command).map_err(|e| match e {
        SynthError::Villages { .. } | SynthError::Households { .. } | SynthError::Incidents { .. } => Failure::usage(e),
        _ => Failure::input(e),
    })?;
    let folder = a.out.display();
    outln!(
        "已生成合成数据 {folder}：{} 村、{} 户、{} 栋、{} 件事件",
        done.villages,
        done.households,
        done.buildings,
        done.incidents
    );
    outln!(
        "synthetic county in {folder}: {} villages, {} households, {} buildings, {} incidents",
        done.villages,
        done.households,
        done.buildings,
        done.incidents
    );
    Ok(0)
}
