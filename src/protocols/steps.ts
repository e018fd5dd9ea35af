/** A piece of an answer: text, or bytes. */
export type Part = string | Uint8Array

/**
 * Work in steps, so that its caller may interrupt it at each yield. It yields a part of an answer where
 * one is finished, and otherwise undefined.
 */
export type Steps<Result = void> = Generator<Part | undefined, Result>

/** Is told how many bytes of values were taken to be written later, or given back if negative. */
export type Hold = (bytes: number) => void

/** Does all steps at once: their result, and the parts they yielded. */
export function finish<Result>(steps: Steps<Result>): { result: Result; parts: Part[] } {
  const parts: Part[] = []
  for (;;) {
    const { done, value } = steps.next()
    if (done) return { result: value, parts }
    if (value !== undefined) parts.push(value)
  }
}
