import { type Heap, heapOf } from '../algorithms/heap.ts'
import { LARGE, PART, type Pausing } from '../algorithms/pausing.ts'
import { reusable } from '../algorithms/reusable.ts'
import { sortIds } from '../algorithms/sort.ts'
import { sumTree } from '../algorithms/sum-tree.ts'
import { problemAt } from '../errors.ts'
import { exp } from '../kernel/index.ts'
import { type Address, purposes, uniforms } from './philox.ts'
import type { Row } from './row/row.ts'
import { addUp, totalMass } from './row/statistics.ts'

export interface Draw {
  n: number
  replacement: boolean
}

/** Steps to draw, in addition to those of every row. */
export function drawCost({ n, replacement }: Draw, size: number): number {
  return replacement
    ? (200 + Math.min(1000, size / 100)) * n
    : (1000 + Math.min(2500, size / 200)) * n + 8 * size
}

/** The number of draws between two pauses. */
const DRAWS = 1024
/** The number of tokens popped from a heap between two pauses. */
const POPS = 4096

/**
 * Draws tokens. A draw takes the first token, by ascending id, at which the running sum of masses exceeds
 * u · total, for a uniform number u.
 */
export function draw(
  row: Row,
  { n, replacement }: Draw,
  address: Address,
  index: number,
): number[] | Pausing<number[]> {
  if (!replacement) checkDrawable(row, n, index)
  // If one token is left, no random number is used.
  if (!row.isDense && row.count() === 1) {
    return new Array<number>(n).fill(row.views.ids[0]!)
  }
  const random = uniforms({ ...address, purpose: purposes.draw }, n)
  if (!replacement) return drawDifferent(row, random)
  if (n > DRAWS || row.vocabSize > LARGE) return drawAgain(row, random)
  totalMass(row)
  return Array.from(random, finder(row))
}

function* drawAgain(row: Row, random: Float64Array): Pausing<number[]> {
  yield* addUp(row)
  yield
  const drawn = new Array<number>(random.length)
  const find = finder(row)
  for (let i = 0; i < drawn.length; i++) {
    if (i % DRAWS === DRAWS - 1) yield
    drawn[i] = find(random[i]!)
  }
  return drawn
}

const runningOf = reusable()

/** Makes a function from a uniform number to its token. */
function finder(row: Row): (u: number) => number {
  const { dense, temperature } = row
  if (row.isDense) {
    const running = dense.runningSums()
    const total = running[running.length - 1]!
    return (u) => {
      const block = firstAbove(running, u * total)
      const before = block > 0 ? running[block - 1]! : 0
      return dense.walk(block, before, u * total, temperature)
    }
  }
  const { ids, masses } = row.views
  const running = runningOf(row.count())
  running.set(masses.subarray(0, running.length))
  for (let i = 1; i < running.length; i++) running[i]! += running[i - 1]!
  const total = running[running.length - 1]!
  return (u) => ids[firstAbove(running, u * total)]!
}

/** If no more mass than this is left, masses are computed anew, relative to the most likely token left, before they underflow. */
const FAINT = 1e-100

/**
 * Draws without replacement: each drawn token loses its mass. A token whose mass rounds to 0, relative to that of the
 * most likely token, gets a mass when the more likely tokens are drawn.
 */
function* drawDifferent(row: Row, random: Float64Array): Pausing<number[]> {
  yield* addUp(row)
  const { ids, masses } = row.views
  const size = row.count()
  if (size > PART) yield
  const drawn = new Array<number>(random.length)
  const isTaken = new Uint8Array(size)
  let places = new Uint32Array(size)
  for (let place = 0; place < size; place++) places[place] = place
  let tree = sumTree(masses.subarray(0, size))
  let unweighed: Heap | undefined
  if (size > PART) yield
  for (let i = 0; i < drawn.length; i++) {
    if (i % DRAWS === DRAWS - 1) yield
    if (tree.total() < FAINT) {
      const left = unweighed ? places.filter((place) => isTaken[place] === 0) : new Uint32Array(0)
      unweighed ??= yield* heapOf(
        row.views.logits.subarray(0, size),
        (place) => isTaken[place] === 1,
      )
      const weighed = yield* weighAnew(row, left, unweighed)
      places = weighed.places
      tree = sumTree(weighed.masses)
    }
    const found = tree.find(random[i]! * tree.total())
    tree.clear(found)
    const place = places[found]!
    isTaken[place] = 1
    drawn[i] = ids[place]!
  }
  return drawn
}

/** The tokens left whose mass, relative to the most likely of them, is above 0: ids ascending, with these masses. */
function* weighAnew({ views, temperature }: Row, left: Uint32Array, unweighed: Heap) {
  const { logits } = views
  let next = unweighed.peek()
  let max = next === undefined ? Number.NEGATIVE_INFINITY : logits[next]!
  for (let i = 0; i < left.length; i++) max = Math.max(max, logits[left[i]!]!)
  const massOf = (place: number) => exp((logits[place]! - max) / temperature)
  const found = new Uint32Array(left.length + unweighed.size())
  found.set(left)
  let count = left.length
  for (; next !== undefined && massOf(next) > 0; next = unweighed.peek()) {
    found[count++] = next
    unweighed.pop()
    if (count % POPS === 0) yield
  }
  const places = new Uint32Array(sortIds(found.subarray(0, count)))
  const masses = new Float64Array(count)
  for (let i = 0; i < count; i++) masses[i] = massOf(places[i]!)
  return { places, masses }
}

function checkDrawable(row: Row, n: number, index: number): void {
  row.gather()
  if (n <= row.count()) return
  const detail =
    `Cannot draw ${n} different tokens from row ${index}: the samplers leave ${row.count()}. ` +
    'Lower n, or loosen the samplers. To see what each removes, send n 1 and trace'
  throw problemAt('TOO_FEW_TOKENS', ['n'], detail)
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
