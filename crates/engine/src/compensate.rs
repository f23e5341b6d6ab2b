//! Latency compensation: one pure function over the sorted strips.
//!
//! Every strip's inputs must arrive together, and a key must arrive together with the signal at its insert.
//! A strip therefore waits for the latest of them, and every earlier one is delayed on its edge.

use crate::plan::Node;
use audio::Frames;

/// Sets level, arrival, latency and all edge delays of nodes that stand in order (each after what it hears).
pub(crate) fn compensate(nodes: &mut [Node]) {
    for place in 0..nodes.len() {
        let (earlier, rest) = nodes.split_at_mut(place);
        let node = &mut rest[0];
        let mut before = 0;
        for element in &mut node.chain {
            element.before = before;
            before += element.latency;
        }
        node.latency = before;

        let inputs = node.inputs.iter().map(|edge| earlier[edge.from].departure());
        let keys = node.chain.iter().filter_map(|element| {
            let key = element.key.as_ref()?;
            // The inserts before this one give the key time to arrive.
            Some(earlier[key.from].departure().saturating_sub(element.before))
        });
        node.arrival = inputs.chain(keys).max().unwrap_or(0);

        let arrival = node.arrival;
        for edge in &mut node.inputs {
            edge.delay = arrival - earlier[edge.from].departure();
        }
        for element in &mut node.chain {
            if let Some(key) = &mut element.key {
                key.delay = arrival + element.before - earlier[key.from].departure();
            }
        }
        let heard = node.inputs.iter().chain(node.chain.iter().filter_map(|e| e.key.as_ref()));
        node.level = heard.map(|edge| earlier[edge.from].level + 1).max().unwrap_or(0);
    }
}

/// Frames from the end of the last source until every strip has become silent.
pub(crate) fn total_tail(nodes: &[Node]) -> Frames {
    let mut ends: Vec<Frames> = Vec::with_capacity(nodes.len());
    for node in nodes {
        let before = node.inputs.iter().map(|edge| ends[edge.from]).max().unwrap_or(0);
        ends.push(before + node.tail);
    }
    ends.into_iter().max().unwrap_or(0)
}
