//! Where each node stands: layers from top to bottom, and in each layer as near to the neighbours as order and sizes
//! allow.

use super::layers::{Kind, Layers};

/// Pixels between a layer and the next.
pub(super) const LAYER_GAP: f64 = 30.0;
/// Pixels between two boxes or labels of one layer.
const NODE_GAP: f64 = 28.0;
/// Pixels between a line and its neighbours.
const LINE_GAP: f64 = 14.0;
/// Rounds of moving nodes towards their neighbours, first downwards, then upwards.
const ROUNDS: usize = 8;

/// A node in place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// The middle, from the left.
    pub(super) x: f64,
    /// The upper edge of its layer.
    pub(super) top: f64,
    /// The lower edge of its layer.
    pub(super) bottom: f64,
}

/// Places the nodes of `layers`, which have these (width, height). Everything right of and below 0.
pub(super) fn place(layers: &Layers, sizes: &[(f64, f64)]) -> Vec<Spot> {
    let mut x = vec![0.0; sizes.len()];
    for layer in &layers.order {
        let mut right = 0.0;
        for (at, node) in layer.iter().enumerate() {
            if at > 0 {
                right += apart(layers, sizes, layer[at - 1], *node);
            }
            x[*node] = right;
        }
        let half = right / 2.0;
        for node in layer {
            x[*node] -= half;
        }
    }
    let count = layers.order.len();
    for round in 0..ROUNDS {
        for layer in 1..count {
            settle(layers, sizes, &mut x, layer, |node| [&layers.above[node], &[]]);
        }
        for layer in (0..count.saturating_sub(1)).rev() {
            settle(layers, sizes, &mut x, layer, |node| [&layers.below[node], &[]]);
        }
        if round + 1 == ROUNDS {
            for layer in 0..count {
                settle(layers, sizes, &mut x, layer, |node| [&layers.above[node], &layers.below[node]]);
            }
        }
    }
    let left = x.iter().zip(sizes).map(|(x, size)| x - size.0 / 2.0).fold(f64::INFINITY, f64::min);
    let mut spots: Vec<Spot> = x.iter().map(|x| Spot { x: (x - left).round(), top: 0.0, bottom: 0.0 }).collect();
    let mut top = 0.0;
    for layer in &layers.order {
        let height = layer.iter().map(|node| sizes[*node].1).fold(0.0, f64::max);
        for node in layer {
            (spots[*node].top, spots[*node].bottom) = (top, top + height);
        }
        // Layers that hold nothing take no room.
        top += if layer.is_empty() { 0.0 } else { height + LAYER_GAP };
    }
    spots
}

/// The least distance of the middles of two neighbours.
fn apart(layers: &Layers, sizes: &[(f64, f64)], a: usize, b: usize) -> f64 {
    let line = layers.kinds[a] == Kind::Bend || layers.kinds[b] == Kind::Bend;
    // One more than asked, so that rounding to pixels never lets two touch.
    (sizes[a].0 + sizes[b].0) / 2.0 + if line { LINE_GAP } else { NODE_GAP } + 1.0
}

/// Moves the nodes of a layer towards their neighbours with the least sum of squares, keeping order and distance:
/// isotonic regression by pooling adjacent violators.
fn settle<'a>(
    layers: &Layers,
    sizes: &[(f64, f64)],
    x: &mut [f64],
    layer: usize,
    neighbours: impl Fn(usize) -> [&'a [usize]; 2],
) {
    // (weight, weight × place, how many)
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    let nodes = &layers.order[layer];
    let (mut offset, mut offsets) = (0.0, Vec::with_capacity(nodes.len()));
    for (at, node) in nodes.iter().enumerate() {
        if at > 0 {
            offset += apart(layers, sizes, nodes[at - 1], *node);
        }
        offsets.push(offset);
        let (mut weight, mut sum) = (0.0, 0.0);
        for other in neighbours(*node).into_iter().flatten() {
            let pull = pull(layers.kinds[*node], layers.kinds[*other]);
            weight += pull;
            sum += pull * x[*other];
        }
        if weight == 0.0 {
            (weight, sum) = (0.1, 0.1 * x[*node]);
        }
        let mut pool = (weight, sum - weight * offset, 1);
        while let Some(last) = pools.pop_if(|last| last.1 / last.0 >= pool.1 / pool.0) {
            pool = (last.0 + pool.0, last.1 + pool.1, last.2 + pool.2);
        }
        pools.push(pool);
    }
    let mut at = 0;
    for (weight, sum, many) in pools {
        for _ in 0..many {
            x[nodes[at]] = sum / weight + offsets[at];
            at += 1;
        }
    }
}

/// How strongly a line pulls its ends together: long lines should be straight.
fn pull(a: Kind, b: Kind) -> f64 {
    match (a == Kind::Bend, b == Kind::Bend) {
        (true, true) => 8.0,
        (true, false) | (false, true) => 2.0,
        (false, false) => 1.0,
    }
}
