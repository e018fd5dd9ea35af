import { cutByWeight } from '../../algorithms/select.ts'
import { exp, kernel } from '../../kernel/index.ts'
import { float32Below } from './blocks.ts'
import { type Dense, TAIL_ERROR } from './dense.ts'

/** The band around the cut reaches from 1 − BAND to 1 + BAND times the allowance. */
const BAND = 0.05

/** How closely a search in a sample finds the cut, in temperatures. A sample is no more accurate than this. */
const PRECISION = 0.01

/** How many blocks make a sample. */
const SAMPLE_BLOCKS = 64

/**
 * Drop the least likely tokens, as long as what is dropped weighs no more than `allowance`. Returns false, and drops
 * nothing, when the kernel's precision does not tell where that is. This is for a cut far down the ranking: it drops
 * little, and so the error of adding that up is little. Needs `dense.sum` before.
 *
 * A sample of the blocks says roughly where the cut is; there the row is looked at token by token.
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

  // Of the band, the most likely tokens are kept: those beyond what may be dropped.
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

/** A logit between two below which about this mass lies, going by a sample of the blocks. */
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
