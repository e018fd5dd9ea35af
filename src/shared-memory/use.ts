import { closeSync } from 'node:fs'
import { Problem } from '../errors.ts'
import type { Source } from '../tensors/source.ts'
import {
  checkSize,
  type Fault,
  openFile,
  readFile,
  type SharedFile,
  writeFile,
} from './directory.ts'
import type { SharedRegion } from './regions.ts'

/** A part of a registered region. */
export interface RegionPart {
  readonly region: string
  readonly offset: number
  readonly length: number
}

/** Where the values of an output go. */
export interface Target {
  /** The number of bytes that fit. */
  readonly length: number
  /** Writes bytes from the byte `from` on. Throws if they do not fit, or if the file has become shorter. */
  write(from: number, bytes: Uint8Array): void
}

interface Access {
  readonly limit: number
  directoryOr(fault: Fault): string
  find(name: string): SharedRegion | undefined
}

/** The shared memory that one request uses. Files and regions stay open until `release`. */
export class SharedUse {
  readonly #access: Access
  readonly #closers: (() => void)[] = []
  /** The bytes of all tensors so far. */
  #length = 0

  constructor(access: Access) {
    this.#access = access
  }

  /** Tensors in shared memory may be as long as a body. */
  #count(length: number): void {
    const { limit } = this.#access
    this.#length += length
    if (this.#length <= limit) return
    const detail = `The tensors in shared memory have ${this.#length} bytes, and the limit is ${limit} (MAX_BODY_BYTES)`
    throw new Problem('BODY_TOO_LARGE', detail)
  }

  #source(file: SharedFile, offset: number, length: number, fault: Fault): Source {
    if (!Number.isSafeInteger(offset + length)) fault('Expected a smaller offset')
    checkSize(file, offset, offset + length, fault)
    return { read: (from, target) => readFile(file, offset + from, target, fault) }
  }

  /** A tensor of `length` bytes in a file. */
  file(name: string, offset: number, length: number, fault: Fault): Source {
    const directory = this.#access.directoryOr(fault)
    this.#count(length)
    const file = openFile(directory, name, false, fault)
    this.#closers.push(() => closeSync(file.fd))
    return this.#source(file, offset, length, fault)
  }

  /** The place of a part in the file of its region. */
  #place(
    { region: name, offset, length }: RegionPart,
    fault: Fault,
  ): { file: SharedFile; at: number } {
    this.#access.directoryOr(fault)
    const region = this.#access.find(name)
    if (!region)
      return fault(
        `Unknown shared-memory region ${JSON.stringify(name.slice(0, 64))}; register it first`,
      )
    const { byte_size } = region.info
    if (offset > byte_size || length > byte_size - offset) {
      fault(
        `Expected at most ${byte_size} bytes, which the region ${JSON.stringify(name)} has, got ${length} from byte ${offset} on`,
      )
    }
    region.use()
    this.#closers.push(() => region.release())
    return { file: region.file, at: region.info.offset + offset }
  }

  /** A tensor in a region. */
  part(part: RegionPart, fault: Fault): Source {
    this.#count(part.length)
    const { file, at } = this.#place(part, fault)
    return this.#source(file, at, part.length, fault)
  }

  /** The place of an output in a region. */
  target(part: RegionPart, fault: Fault): Target {
    const { file, at } = this.#place(part, fault)
    if (!file.isWritable) fault('Kelvin may read this file, and may not write it')
    return {
      length: part.length,
      write(from, bytes) {
        if (from + bytes.length > part.length) throw new RangeError('The output is too long')
        // A file that has become shorter would grow again.
        checkSize(file, at, at + part.length, fault)
        writeFile(file, at + from, bytes, fault)
      },
    }
  }

  /** Closes what the request used. */
  release(): void {
    for (const close of this.#closers.splice(0)) close()
  }
}
