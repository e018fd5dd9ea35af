import { type Bytes, joinBytes } from '../tensors/bytes.ts'
import { forms } from './form.ts'
import { decodeBase64 } from './long-values.ts'
import { describeValue, parsed } from './parsed.ts'
import { vocabularyChecks } from './registries.ts'

/** A field of bytes, as padded standard base64. */
export function base64(description: string) {
  return parsed(
    { description, type: 'string', contentEncoding: 'base64' },
    (value, fault): Bytes =>
      decodeBase64(value) ?? fault([], `Expected padded base64, got ${describeValue(value)}`),
  ).register(forms, { kind: 'bytes', isList: false })
}

/** A field with one bit per token, as base64 of little-endian int32 words: bit `id & 31` of word `id >> 5`. */
export function tokenBitmask(description: string) {
  return parsed({ description, type: 'string', contentEncoding: 'base64' }, (value, fault) => {
    const bytes =
      decodeBase64(value) ?? fault([], `Expected padded base64, got ${describeValue(value)}`)
    if (bytes.length % 4 !== 0) fault([], `Expected whole int32 words, got ${bytes.length} bytes`)
    return new Int32Array(joinBytes(bytes).buffer)
  })
    .register(vocabularyChecks, {
      misfit(value, vocabSize) {
        const { length } = value as Int32Array
        const expected = Math.ceil(vocabSize / 32)
        if (length === expected) return undefined
        return {
          path: [],
          code: 'VOCABULARY_MISMATCH',
          detail: `A vocabulary of ${vocabSize} entries needs ${expected} words, got ${length}`,
        }
      },
    })
    .register(forms, { kind: 'bytes', isList: false })
}
