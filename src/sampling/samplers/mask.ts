import { finish } from '../../algorithms/pausing.ts'
import { tokenBitmask } from '../../fields/base64.ts'
import { tokenIds } from '../../fields/token-ids.ts'
import { keepBits, keepOnly, remove } from '../row/changes.ts'
import { defineSampler } from '../sampler.ts'

export const mask = defineSampler({
  name: 'mask',
  title: 'Mask',
  meaning:
    'Removes tokens by id: all except allowed ones, banned ones, or those that the bitmask of a grammar engine forbids.',
  reference: {
    title: 'Dong et al.: XGrammar (2024), whose bitmask layout this is',
    url: 'https://arxiv.org/abs/2411.15100',
  },
  stage: 'mask',
  fields: {
    allowed_token_ids: tokenIds(
      'Token ids that may be chosen; all others are removed. Omitted: every token (off). If no token is left, the answer is a 422.',
    ).optional(),
    banned_token_ids: tokenIds(
      'Token ids that must not be chosen. [] bans none (off). If no token is left, the answer is a 422.',
    ).prefault([]),
    token_bitmask: tokenBitmask(
      'One bit for each token, 1 for allowed: base64 of ⌈vocabulary size / 32⌉ little-endian int32 words, with token `id` at bit `id & 31` of word `id >> 5`. Omitted: every token (off). If no token is left, the answer is a 422.',
    ).optional(),
  },
  /** Whether the tokens of `allowed_token_ids` are put in play, with equal logits, if none of them is. transformers does this. */
  rules: { forces_allowed: false as boolean },
  example: {
    params: { banned_token_ids: [3] },
    given: [0.1, 0.2, 0.3, 0.4],
    gives: [1 / 6, 2 / 6, 3 / 6, 0],
  },

  active: ({ allowed_token_ids, banned_token_ids, token_bitmask }) =>
    Boolean(allowed_token_ids ?? token_bitmask) || banned_token_ids.length > 0,
  cost: ({ allowed_token_ids, banned_token_ids, token_bitmask }, { size }) =>
    ALLOWED * Math.min(allowed_token_ids?.length ?? 0, size) +
    BANNED * banned_token_ids.length +
    (token_bitmask ? 2 : 1) * size,
  fillsEmpty: ({ allowed_token_ids }, { forces_allowed }) =>
    forces_allowed && allowed_token_ids !== undefined,
  *apply(row, { allowed_token_ids, banned_token_ids, token_bitmask }, { forces_allowed }) {
    if (allowed_token_ids) yield* keepOnly(row, allowed_token_ids, forces_allowed)
    if (token_bitmask) keepBits(row, token_bitmask)
    yield* finish(remove(row, banned_token_ids))
  },
})

/** Steps for a token of each list. */
const ALLOWED = 20
const BANNED = 10
