import { forms } from './form.ts'
import { describeValue, parsed } from './parsed.ts'

const MAX_U64 = 2n ** 64n - 1n

/**
 * A field with an unsigned 64-bit integer: a JSON integer up to 2^53, or a decimal string. `hint` is added to the
 * error about any other value.
 */
export function u64(
  description: string,
  { max = MAX_U64, hint }: { max?: bigint; hint?: string } = {},
) {
  return parsed(
    {
      title: 'Uint64',
      description,
      anyOf: [
        {
          title: 'SafeInteger',
          type: 'integer',
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
        },
        { title: 'DecimalString', type: 'string', pattern: '^[0-9]{1,20}$' },
      ],
    },
    (value, fault) => {
      const isExact =
        typeof value === 'string' ? /^[0-9]{1,20}$/.test(value) : Number.isSafeInteger(value)
      const integer = isExact ? BigInt(value as string | number) : -1n
      if (integer >= 0n && integer <= max) return integer
      const isRounded = typeof value === 'number' && value > Number.MAX_SAFE_INTEGER
      const hints = [
        ...(isRounded ? ['write integers beyond 2^53 as strings'] : []),
        ...(hint ? [hint] : []),
      ]
      const detail = `Expected an integer from 0 to ${max}, got ${describeValue(value)}`
      return fault([], [detail, ...hints].join('; '))
    },
  ).register(forms, { kind: 'integer', isList: false })
}
