import type { Fields, Row } from './types.ts'

/** A text that the model writes: one beginning, and one or more columns that go on from it at temperatures of their own. */

export interface Token {
  readonly id: number
  /** The logits from which it was drawn. */
  readonly row: Row
  /** Its probability at temperature 1, without samplers. */
  readonly chance: number
  /** The state of the samplers after it, for the next request. */
  readonly state: object | undefined
}

export interface Column {
  temperature: number
  /** The temperature at which the tokens on screen were written. */
  writtenAt: number
  tokens: Token[]
  /** While a column is being rewritten and its next token has not come: the number of tokens that stay. */
  keep: number | undefined
  /** Whether the model ended the text, or the column is full. */
  isEnded: boolean
}

export interface Tale {
  beginning: string
  /** The tokens of the beginning. */
  promptIds: readonly number[]
  readonly columns: readonly Column[]
  isWriting: boolean
}

/** A word of a tale. */
export interface Place {
  readonly column: number
  readonly position: number
}

export function newColumn(temperature: number): Column {
  return { temperature, writtenAt: temperature, tokens: [], keep: undefined, isEnded: false }
}

export function keptTokens({ tokens, keep }: Column): readonly Token[] {
  return keep === undefined ? tokens : tokens.slice(0, keep)
}

/** Prepares to write again from a position. The old tokens stay on screen until the first new one has come. */
export function rewriteFrom(column: Column, position: number): void {
  column.keep = Math.min(position, column.keep ?? position, column.tokens.length)
  column.isEnded = false
}

/** Adds a token, and drops the old ones that it replaces. */
export function append(column: Column, token: Token): void {
  column.tokens = [...keptTokens(column), token]
  column.keep = undefined
  column.writtenAt = column.temperature
}

function contextAfter(before: readonly Token[]): Fields {
  const state = before.at(-1)?.state
  return {
    ...(before.length > 0 && {
      output_token_ids: before.map(({ id }) => id),
      step: before.length,
    }),
    ...(state && { state }),
  }
}

/** The tokens before the next one of a column, its step, and the state that the samplers have. */
export const contextOfNext = (column: Column): Fields => contextAfter(keptTokens(column))

/** The same for a word that is written. */
export function contextAt({ promptIds, columns }: Tale, { column, position }: Place): Fields {
  return {
    prompt_token_ids: promptIds,
    ...contextAfter(columns[column]!.tokens.slice(0, position)),
  }
}

/** How surprising a token was, from 0 (certain) to 1 (one in 256, or less likely). */
export function surprise({ chance }: Token): number {
  return Math.min(-Math.log2(chance) / 8, 1)
}
