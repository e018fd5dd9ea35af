import type { Fields, Row, Vocabulary } from './types.ts'

/** The whole state of the page as the fragment of its address, which no server sees. */

export interface Linked {
  readonly fields: Fields
  /** A preset by its id, or else the logits themselves. */
  readonly preset?: string
  readonly name?: string
  readonly logits?: string
  /** Words of the vocabulary, where it is not the preset’s. */
  readonly words?: Readonly<Record<string, string>>
  readonly vocabulary?: string
  readonly inspected?: number
}

/** What browsers still open, in characters. */
const LONGEST = 2_000_000
/** A state of a million logits with as many words, unpacked. */
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

/** Up to this size a vocabulary goes along whole; of a larger one, the words in sight. */
const SMALL_VOCABULARY = 1024

export function wordsFor({ words }: Vocabulary, inSight: Iterable<number>): Record<string, string> {
  const ids = words.length <= SMALL_VOCABULARY ? words.keys() : inSight
  const chosen: Record<string, string> = {}
  for (const id of ids) if (words[id] !== undefined) chosen[id] = words[id]
  return chosen
}

export function packRow({ preset, name, logits }: Row): Pick<Linked, 'preset' | 'name' | 'logits'> {
  if (preset) return { preset }
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
  const text = packed.toBase64({ alphabet: 'base64url', omitPadding: true })
  if (text.length > LONGEST) {
    throw new BadLink(
      'This row is too large for a link: save the logits, and send the file with the link',
    )
  }
  return text
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
