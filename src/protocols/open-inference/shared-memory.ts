import type { Batch } from '../../fields/batch.ts'
import { byteLengthOf, toStoredBatch } from '../../fields/tensor.ts'
import type { RegionPart, SharedUse } from '../../shared-memory/use.ts'
import type { Bytes } from '../../tensors/bytes.ts'
import type { Hold } from '../steps.ts'
import type { Infer } from './body.ts'
import { checkLogits, fault, type Input, LOGITS } from './inputs.ts'
import { partOf } from './parts.ts'

/** Inputs in shared memory. */

function sharedLogits(input: Input, part: RegionPart, use: SharedUse): Batch {
  const { name, datatype, shape } = input
  const onFault = (detail: string) => fault(name, detail)
  const dtype = checkLogits(input)
  const takes = byteLengthOf(dtype, shape)
  if (part.length !== takes) {
    fault(name, `Shape [${shape}] of ${datatype} takes ${takes} bytes, got ${part.length}`)
  }
  return toStoredBatch(dtype, shape, use.part(part, onFault), onFault)
}

/** The bytes of an input that is no logits. They are copied, because they become values at once. */
function readWhole({ name }: Input, part: RegionPart, use: SharedUse, hold: Hold): Bytes {
  const source = use.part(part, (detail) => fault(name, detail))
  hold(part.length)
  const bytes = new Uint8Array(part.length)
  source.read(0, bytes)
  return { pieces: [bytes], length: bytes.length }
}

/** The request with its inputs in shared memory. The rows of its logits are read when they are sampled. */
export function withSharedInputs(sent: Infer, use: SharedUse, hold: Hold): Infer {
  let { logits } = sent
  const binaries = new Map(sent.binaries)
  for (const input of sent.request.inputs) {
    const part = partOf(`input "${input.name.slice(0, 64)}"`, input.parameters)
    if (!part) continue
    if (input.name === LOGITS) logits = sharedLogits(input, part, use)
    else binaries.set(input, readWhole(input, part, use, hold))
  }
  return { ...sent, logits, binaries }
}
