import { problemAt } from '../errors.ts'
import { purposes, uniforms } from './philox.ts'
import type { Row } from './row.ts'

export interface Draw {
  n: number
  replacement: boolean
  seed: bigint
  stream: bigint
  step: bigint
}

/**
 * The drawn tokens, as places in the row. A draw walks the ids upward and takes the first token
 * at which the running sum of mass exceeds u · total.
 */
export function draw(row: Row, request: Draw, index: number): Uint32Array {
  const { n, replacement } = request
  if (!replacement) checkDrawable(row, n, index)
  // One token left is no choice, and consumes no randomness.
  if (row.size === 1) return new Uint32Array(n)
  const random = uniforms({ ...request, purpose: purposes.draw }, n)
  return replacement ? drawWithReplacement(row, random) : drawWithoutReplacement(row, random)
}

function drawWithReplacement(row: Row, random: Float64Array): Uint32Array {
  const running = new Float64Array(row.size)
  let sum = 0
  for (let i = 0; i < row.size; i++) {
    sum += row.masses[i]!
    running[i] = sum
  }
  return Uint32Array.from(random, (u) => firstAbove(running, u * sum))
}

function drawWithoutReplacement(row: Row, random: Float64Array): Uint32Array {
  const { size } = row
  const masses = row.masses.slice(0, size)
  return Uint32Array.from(random, (u) => {
    let total = 0
    for (let i = 0; i < size; i++) total += masses[i]!
    const target = u * total
    let chosen = 0
    let running = 0
    for (let i = 0; i < size; i++) {
      if (masses[i] === 0) continue
      chosen = i
      running += masses[i]!
      if (running > target) break
    }
    masses[chosen] = 0
    return chosen
  })
}

function checkDrawable({ masses, size }: Row, n: number, index: number): void {
  let drawable = 0
  for (let i = 0; i < size; i++) if (masses[i]! > 0) drawable++
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
