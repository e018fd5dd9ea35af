import { cutByWeight } from '../../algorithms/select.ts'
import { exp, kernel } from '../../kernel/index.ts'
import { float32Below } from './blocks.ts'
import { type Dense, TAIL_ERROR } from './dense.ts'

/**
 * The cut is sought in a band of logits. The mass below the ends of the band is about 1 − BAND and 1 + BAND times the
 * allowance.
 */
const BAND = 0.05

/** Precision of a search in a sample, in temperatures. A sample is no more accurate than this. */
const PRECISION = 0.01

/** The number of blocks in a sample. */
const SAMPLE_BLOCKS = 64

/**
 * Drops the least likely tokens, with a mass of at most `allowance` together. Returns false, and drops nothing, if
 * the error of the kernel's sums could move the cut. It is for a cut far down the ranking: the dropped mass is small,
 * and so is the error of its sum. Call `dense.sum` before.
 *
 * A sample of the blocks shows roughly where the cut lies. Only the tokens near it are looked at one by one.
 */
export function dropTail(
  dense: Dense,
  allowance: number,
  doubt: number,
  temperature: number,
): boolean {
  if (dense.scale === 0) return false
  const { row, masses, logits, views } = dense.memory
  const { rowMax } = dense
  const max = dense.max()
  const lowest = rowMax - 100 * temperature
  const low = thresholdOf(dense, (1 - BAND) * allowance, lowest, rowMax, temperature)
  const end = Math.min(low + temperature, rowMax)
  const high = thresholdOf(dense, (1 + BAND) * allowance, low, end, temperature)
  let below = dense.scale * kernel.sumBelow(row, dense.blocks, 1, rowMax, temperature, low)
  dense.aside.visit((_, logit) => {
    if (logit < low) below += exp((logit - max) / temperature)
  })
  const band = dense.collect(low, high)
  const bandMass = kernel.expInto64(logits, band, max, temperature, masses)
  const uncertain = doubt + TAIL_ERROR * below
  if (below > allowance || below + bandMass < allowance || band === 0) return false

  // Keep the most likely tokens of the band, so that the others have no more mass than may be dropped.
  const target = below + bandMass - allowance
  const cut = cutByWeight(views.logits, views.masses, band, target)
  if (target - cut.before <= uncertain || cut.after - target < uncertain) return false
  let { ties } = cut
  const droppedTies: number[] = []
  for (let i = 0; i < band; i++) {
    if (views.logits[i] === cut.threshold && ties-- <= 0) droppedTies.push(views.ids[i]!)
  }
  dense.maskBelow(cut.threshold)
  for (const id of droppedTies) dense.setLogit(id, Number.NEGATIVE_INFINITY)
  return true
}

/** A logit between `low` and `high` below which about this mass lies, estimated from a sample of the blocks. */
function thresholdOf(
  { memory, blocks, rowMax, scale }: Dense,
  mass: number,
  low: number,
  high: number,
  temperature: number,
): number {
  const stride = Math.max(1, Math.floor(blocks / SAMPLE_BLOCKS))
  const sampled = mass / scale / stride
  while (high - low > PRECISION * temperature) {
    const middle = (low + high) / 2
    const below = kernel.sumBelow(memory.row, blocks, stride, rowMax, temperature, middle)
    if (below > sampled) high = middle
    else low = middle
  }
  return float32Below(low)
}
