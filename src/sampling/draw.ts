import { problemAt } from '../errors.ts'
import { BLOCK } from './kernel/index.ts'
import { type Address, purposes, uniforms } from './philox.ts'
import { reusable } from './reusable.ts'
import type { Row } from './row.ts'

export interface Draw {
  n: number
  replacement: boolean
}

/**
 * The drawn tokens. A draw walks the ids upward and takes the first token at which the running sum of
 * mass exceeds u · total.
 */
export function draw(
  row: Row,
  { n, replacement }: Draw,
  address: Address,
  index: number,
): number[] {
  if (!replacement) checkDrawable(row, n, index)
  // One token left is no choice, and consumes no randomness.
  if (!row.dense && row.size === 1) {
    return new Array<number>(n).fill(row.ids[0]!)
  }
  const random = Array.from(uniforms({ ...address, purpose: purposes.draw }, n))
  row.normalise()
  return random.map(replacement ? finder(row) : remover(row))
}

const runningOf = reusable()

/** Finds the token for a uniform number. */
function finder(row: Row): (u: number) => number {
  const { dense, temperature } = row
  if (dense) {
    const running = dense.runningSums()
    const total = running[running.length - 1]!
    return (u) => {
      const block = firstAbove(running, u * total)
      const before = block > 0 ? running[block - 1]! : 0
      return dense.walk(block, before, u * total, temperature)
    }
  }
  const running = runningOf(row.size)
  running.set(row.masses.subarray(0, row.size))
  for (let i = 1; i < running.length; i++) running[i]! += running[i - 1]!
  const total = running[running.length - 1]!
  return (u) => row.ids[firstAbove(running, u * total)]!
}

/**
 * The same, and takes the token out of what is left. Masses are added up by blocks, so that a draw
 * costs no pass over all of them.
 */
function remover(row: Row): (u: number) => number {
  const masses = runningOf(row.size)
  masses.set(row.masses.subarray(0, row.size))
  const sums = new Float64Array(Math.ceil(masses.length / BLOCK))
  const sumUp = (block: number) => {
    let sum = 0
    const end = Math.min(masses.length, (block + 1) * BLOCK)
    for (let i = block * BLOCK; i < end; i++) sum += masses[i]!
    sums[block] = sum
  }
  for (let block = 0; block < sums.length; block++) sumUp(block)

  return (u) => {
    const target = u * sums.reduce((a, b) => a + b)
    let running = 0
    let block = 0
    while (block < sums.length - 1 && running + sums[block]! <= target) running += sums[block++]!
    // Rounding may leave the running sum short of its target at the very end.
    while (sums[block] === 0) block--
    let chosen = 0
    for (let i = block * BLOCK; i < Math.min(masses.length, (block + 1) * BLOCK); i++) {
      if (masses[i] === 0) continue
      chosen = i
      running += masses[i]!
      if (running > target) break
    }
    masses[chosen] = 0
    sumUp(block)
    return row.ids[chosen]!
  }
}

function checkDrawable(row: Row, n: number, index: number): void {
  row.gather()
  row.normalise()
  let drawable = 0
  for (let i = 0; i < row.size; i++) if (row.masses[i]! > 0) drawable++
  if (n <= drawable) return
  const detail = `Cannot draw ${n} different tokens from the ${drawable} left in row ${index}`
  throw problemAt('TOO_FEW_TOKENS', ['n'], `${detail}; lower n or raise min_tokens_to_keep`)
}

/** The first place in an ascending array whose value exceeds `target`. */
function firstAbove(ascending: Float64Array, target: number): number {
  let low = 0
  let high = ascending.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! > target) high = middle
    else low = middle + 1
  }
  return low
}
