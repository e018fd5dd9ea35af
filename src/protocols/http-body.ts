import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createGunzip, createInflate } from 'node:zlib'
import { Problem } from '../errors.ts'
import { free } from './byte-queue.ts'

const decompressors = { gzip: createGunzip, 'x-gzip': createGunzip, deflate: createInflate }

/** What bodies may be compressed with. */
export const bodyEncodings = ['gzip', 'deflate']

/** How long the body will be, where that is said and it is not compressed; no longer than the limit. */
export function announcedLength({ headers }: IncomingMessage, limit: number): number | undefined {
  const { 'content-length': length, 'content-encoding': encoding } = headers
  if (Number(length ?? 0) > limit) throw tooLarge(limit)
  return length === undefined || encoding !== undefined ? undefined : Number(length)
}

function tooLarge(limit: number): Problem {
  return new Problem('BODY_TOO_LARGE', `The limit is ${limit} bytes`)
}

/** The decompressed body, and the encoding it came in, if any. */
function decoded(request: IncomingMessage, encoding: string): Readable {
  if (encoding === 'identity' || encoding === '') return request
  if (!Object.hasOwn(decompressors, encoding)) {
    const detail = `Cannot read ${JSON.stringify(encoding.slice(0, 32))}: use ${bodyEncodings.join(' or ')}`
    const problem = new Problem('UNSUPPORTED_ENCODING', detail)
    problem.headers = { 'accept-encoding': bodyEncodings.join(', ') }
    throw problem
  }
  return request.pipe(decompressors[encoding as keyof typeof decompressors]())
}

/** Takes a piece of a body; whether it is done with it, and has kept nothing but copies. */
export type Push = (piece: Uint8Array) => boolean

/** How a body is read. */
interface Manner {
  /** Something to wait for between two pieces, if anything. */
  rest(): Promise<void> | undefined
  /** Is given what ends it early. */
  onBegin(end: (error: Error) => void): void
}

/**
 * Hand the body of a request on, piece by piece as it arrives. Where that fails, or the body is larger
 * than the limit, what is still to come is let go by, so that the client gets to read its answer.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  push: Push,
  { rest, onBegin }: Manner,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
    const body = decoded(request, encoding)
    let length = 0

    function end(error?: Error): void {
      body.off('data', take)
      if (error === undefined) resolve()
      else {
        if (body !== request) {
          request.unpipe()
          body.destroy()
        }
        request.resume()
        reject(error)
      }
    }

    function take(piece: Buffer): void {
      length += piece.length
      try {
        if (length > limit) throw tooLarge(limit)
        // Bodies come at hundreds of megabytes a second: for them the garbage collector would look through all there is ten times a second.
        if (push(piece)) free(piece)
      } catch (error) {
        end(error as Error)
        return
      }
      const pause = rest()
      if (!pause) return
      body.pause()
      void pause.then(() => body.resume())
    }

    onBegin(end)
    body.on('data', take)
    body.once('end', () => end())
    body.once('error', (error) => {
      end(
        body === request
          ? error
          : new Problem('INVALID_ENCODING', `Cannot decompress ${encoding}: ${error.message}`),
      )
    })
    request.once('close', () => {
      if (!request.complete) end(incomplete())
    })
  })
}

export function incomplete(): Problem {
  return new Problem('BODY_INCOMPLETE', 'The connection ended before the body did')
}
