import { Problem } from '../../errors.ts'
import { describeValue } from '../../fields/parsed.ts'
import type { RegionPart } from '../../shared-memory/use.ts'

/** The parameters of an input or output that lies in shared memory. */

const REGION = 'shared_memory_region'
const OFFSET = 'shared_memory_offset'
const BYTE_SIZE = 'shared_memory_byte_size'
export const sharedNames: readonly string[] = [REGION, OFFSET, BYTE_SIZE]

/** The part of a region that the parameters name, if they name any. `owner` is the input or output that has them. */
export function partOf(
  owner: string,
  parameters: Readonly<Record<string, unknown>> = {},
): RegionPart | undefined {
  const { [REGION]: region, [OFFSET]: offset, [BYTE_SIZE]: length } = parameters
  if ((region ?? offset ?? length ?? null) === null) return undefined
  function mismatch(name: string, what: string, value: unknown): never {
    const detail = `${owner}: Expected ${name} to be ${what}, got ${describeValue(value)}`
    throw new Problem('INVALID_REQUEST', detail)
  }
  const isSize = (value: unknown): value is number =>
    Number.isSafeInteger(value) && (value as number) >= 0
  if (typeof region !== 'string') return mismatch(REGION, 'the name of a region', region)
  if (!isSize(length)) return mismatch(BYTE_SIZE, 'a number of bytes', length)
  if (!isSize(offset ?? 0)) return mismatch(OFFSET, 'a number of bytes', offset)
  return { region, offset: (offset ?? 0) as number, length }
}

/** The same as parameters of an output, which has `length` bytes. */
export function parametersOf({ region, offset }: RegionPart, length: number): object {
  return { [REGION]: region, ...(offset > 0 && { [OFFSET]: offset }), [BYTE_SIZE]: length }
}
