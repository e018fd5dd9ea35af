import type { Fields, Row, Vocabulary } from './types.ts'

/** Writes and reads the state of the page in the fragment of its address. Browsers send no fragment to a server. */

export interface Linked {
  readonly fields: Fields
  /** The beginning of the tale. Omitted: the link has logits. */
  readonly beginning?: string
  readonly textSeed?: string
  /** The temperatures of the three texts. */
  readonly three?: readonly number[]
  readonly name?: string
  readonly logits?: string
  /** Words of the vocabulary by token id. */
  readonly words?: Readonly<Record<string, string>>
  readonly vocabulary?: string
  readonly inspected?: number
}

/** The largest size of an unpacked state, in bytes: a million logits and a million words fit. */
const MOST_UNPACKED = 2 ** 26

export class BadLink extends Error {}

async function through(bytes: Uint8Array<ArrayBuffer>, stream: GenericTransformStream) {
  const read = new Blob([bytes]).stream().pipeThrough(stream as TransformStream<Uint8Array>)
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for await (const piece of read) {
    pieces.push(piece as Uint8Array<ArrayBuffer>)
    length += piece.length
    if (length > MOST_UNPACKED) throw new BadLink('This link is too large for the page')
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer())
}

/** A vocabulary up to this size is in the link as a whole. Of a larger one, only the words on screen are. */
const SMALL_VOCABULARY = 1024

export function wordsFor({ words }: Vocabulary, inSight: Iterable<number>): Record<string, string> {
  const ids = words.length <= SMALL_VOCABULARY ? words.keys() : inSight
  const chosen: Record<string, string> = {}
  for (const id of ids) if (words[id] !== undefined) chosen[id] = words[id]
  return chosen
}

export function packRow({ name, logits }: Row): Pick<Linked, 'name' | 'logits'> {
  const bytes = new Uint8Array(logits.buffer, logits.byteOffset, logits.byteLength)
  return { name, logits: bytes.toBase64() }
}

export function unpackLogits(text: string): Float32Array {
  try {
    return new Float32Array(Uint8Array.fromBase64(text).buffer)
  } catch {
    throw new BadLink('The logits of this link cannot be read')
  }
}

export async function toFragment(state: Linked): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(state))
  const packed = await through(bytes, new CompressionStream('deflate-raw'))
  return packed.toBase64({ alphabet: 'base64url', omitPadding: true })
}

export async function fromFragment(text: string): Promise<Linked> {
  try {
    const packed = Uint8Array.fromBase64(text, { alphabet: 'base64url' })
    const bytes = await through(packed, new DecompressionStream('deflate-raw'))
    const state = JSON.parse(new TextDecoder().decode(bytes)) as Linked
    if (typeof state.fields !== 'object' || state.fields === null) throw new BadLink('No fields')
    return state
  } catch {
    throw new BadLink('This link is damaged; part of it may be missing')
  }
}
