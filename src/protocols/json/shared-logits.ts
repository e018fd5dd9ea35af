import { problemAt } from '../../errors.ts'
import { byteLengthOf, toStoredBatch } from '../../fields/tensor.ts'
import type { SamplingRequest, SentRequest } from '../../request/operations.ts'
import type { SharedUse } from '../../shared-memory/use.ts'

/** The request with rows that are read from shared memory, if its logits lie there. */
export function withSharedLogits(sent: SentRequest, use: SharedUse): SamplingRequest {
  const { logits } = sent
  if (!('shared_memory' in logits)) return sent as SamplingRequest
  const { dtype, shape, shared_memory } = logits
  const { name, offset } = shared_memory
  const length = byteLengthOf(dtype, shape)
  const source = use.file(name, offset, length, (detail) => {
    throw problemAt('SHARED_MEMORY_UNAVAILABLE', ['logits', 'shared_memory'], detail)
  })
  const batch = toStoredBatch(dtype, shape, source, (detail) => {
    throw problemAt('INVALID_REQUEST', ['logits', 'shape'], detail)
  })
  return { ...sent, logits: { ...batch, pathOf: () => ['shared_memory'] } }
}
