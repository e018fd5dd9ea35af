import type { Row } from './row.ts'

/** The tokens so far: those given, and those generated. */
export interface History {
  readonly prompt: Uint32Array
  readonly output: Uint32Array
}

/** A token that a sampler would change the logit of, and that the vocabulary does not have. */
export class UnknownToken extends Error {
  readonly id: number
  /** Where it is from, where it need not be looked for in the whole history. */
  readonly part: Part | undefined

  constructor(id: number, part: Part | undefined) {
    super()
    this.id = id
    this.part = part
  }
}

export type Part = 'prompt' | 'output' | 'stop'

/**
 * A token of a history, for a sampler that goes on to change its logit. Histories may have ids that are no
 * tokens, such as padding; those that are only compared with others do no harm.
 */
export function known(row: Row, id: number, part?: Part): number {
  if (id < row.vocabSize) return id
  throw new UnknownToken(id, part)
}

/** The last `count` tokens of a history; −1 is all. */
export function windowed({ prompt, output }: History, count: number): History {
  if (count < 0) return { prompt, output }
  const fromOutput = Math.min(count, output.length)
  const fromPrompt = Math.min(count - fromOutput, prompt.length)
  return {
    prompt: prompt.subarray(prompt.length - fromPrompt),
    output: output.subarray(output.length - fromOutput),
  }
}

/** Prompt and output in one. */
export function joined({ prompt, output }: History): Uint32Array {
  const tokens = new Uint32Array(prompt.length + output.length)
  tokens.set(prompt)
  tokens.set(output, prompt.length)
  return tokens
}

/** Whether a history ends with these tokens, and so is at least as long. */
export function endsWith({ prompt, output }: History, tokens: Uint32Array): boolean {
  const { length } = tokens
  if (length > prompt.length + output.length) return false
  for (let back = 1; back <= length; back++) {
    const token =
      back <= output.length
        ? output[output.length - back]
        : prompt[prompt.length + output.length - back]
    if (token !== tokens[length - back]) return false
  }
  return true
}

/** Whether a token that follows these would complete a sequence. */
export function completes(history: History, sequence: Uint32Array): boolean {
  return endsWith(history, sequence.subarray(0, -1))
}

/** How often each token occurs. */
export function countTokens(...parts: Uint32Array[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const part of parts) {
    for (const token of part) counts.set(token, (counts.get(token) ?? 0) + 1)
  }
  return counts
}

/**
 * For each place, how many tokens up to it, itself included, are also those at the end. This is the
 * Z-algorithm read backwards: its time grows with the number of tokens alone, however they repeat.
 */
export function matchesOfEnd(tokens: Uint32Array): Uint32Array {
  const last = tokens.length - 1
  const lengths = new Uint32Array(tokens.length)
  if (last >= 0) lengths[last] = tokens.length
  // Distances back from the end: the match that reaches furthest back spans `start` to `reached`.
  let start = 0
  let reached = 0
  for (let back = 1; back <= last; back++) {
    let length = 0
    if (back < reached) length = Math.min(lengths[last - (back - start)]!, reached - back)
    if (back + length >= reached) {
      while (back + length <= last && tokens[last - length] === tokens[last - back - length]) {
        length++
      }
      start = back
      reached = back + length
    }
    lengths[last - back] = length
  }
  return lengths
}

/** Make tokens less likely by a factor above 1, or more by one below, whatever the signs of their logits. */
export function discourage(row: Row, tokens: Iterable<number>, factor: number): void {
  for (const token of tokens) {
    const logit = row.logitOf(known(row, token)) + row.shift
    if (factor < 1) row.raiseUnseen(token)
    row.setLogit(token, (logit < 0 ? logit * factor : logit / factor) - row.shift)
  }
}
