import { closeSync, fstatSync, statSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { bearerOf, digest } from '../bearer.ts'
import { type Config, ConfigError } from '../config.ts'
import { checkSize, type Fault, openFile } from './directory.ts'
import { type RegionInfo, Regions, SharedRegion } from './regions.ts'
import { SharedUse } from './use.ts'

/** Registers a region of an owner, or unregisters the region of a name or, without a name, all of them. */
export type Change =
  | {
      readonly owner: string
      readonly register: RegionInfo
      /** The file that was opened under the name, so that all processes open the same. */
      readonly file: string
      /** The largest number of regions. */
      readonly limit: number
    }
  | { readonly owner: string; readonly unregister: string | undefined }

/** Longest name of a region, in characters. */
const LONGEST_REGION_NAME = 256

/** What tells a file apart from others, also from one that takes its name. */
function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true })
  return `${dev}:${ino}`
}

/** Why one more region cannot be registered, if it cannot. */
export function refusalOf(isKnown: boolean, count: number, limit: number): string | undefined {
  if (isKnown) return 'This name is registered already; unregister it first'
  if (count < limit) return undefined
  return `${limit} regions are registered, which is the limit (MAX_SHARED_MEMORY_REGIONS); unregister those that you no longer use`
}

/** The memory that clients share with this server: files of a directory, and regions of them. */
export class SharedMemory {
  readonly #directory: string | undefined
  readonly #maxRegions: number
  readonly #hasKeys: boolean
  readonly #regions = new Regions()
  /** Makes a change in all processes of the server, this one included. Returns the reason if it cannot be made. */
  publish: (change: Change) => Promise<string | undefined> = async (change) => this.apply(change)

  constructor({
    SHARED_MEMORY_DIR,
    MAX_SHARED_MEMORY_REGIONS,
    API_KEYS,
    API_KEYS_FILE,
  }: Pick<
    Config,
    'SHARED_MEMORY_DIR' | 'MAX_SHARED_MEMORY_REGIONS' | 'API_KEYS' | 'API_KEYS_FILE'
  >) {
    this.#directory = SHARED_MEMORY_DIR
    this.#maxRegions = MAX_SHARED_MEMORY_REGIONS
    this.#hasKeys = API_KEYS !== undefined || API_KEYS_FILE !== undefined
    if (SHARED_MEMORY_DIR === undefined) return
    if (!statSync(SHARED_MEMORY_DIR, { throwIfNoEntry: false })?.isDirectory()) {
      throw new ConfigError(`SHARED_MEMORY_DIR=${SHARED_MEMORY_DIR}: Expected a directory`)
    }
  }

  get isOn(): boolean {
    return this.#directory !== undefined
  }

  /** Whose regions a request may use: those of its key, or of everybody if the server has no keys. */
  ownerOf(headers: IncomingHttpHeaders): string {
    if (!this.#hasKeys) return ''
    return digest(bearerOf(headers) ?? '').toString('base64')
  }

  #directoryOr(fault: Fault): string {
    return this.#directory ?? fault('Shared memory is off: set SHARED_MEMORY_DIR on the server')
  }

  /** The regions of an owner; with a name, at most the one of this name. */
  list(owner: string, name: string | undefined, fault: Fault): readonly RegionInfo[] {
    this.#directoryOr(fault)
    const all = this.#regions.of(owner).map(({ info }) => info)
    return name === undefined ? all : all.filter((info) => info.name === name)
  }

  async register(owner: string, info: RegionInfo, fault: Fault): Promise<void> {
    this.#directoryOr(fault)
    const { name, offset, byte_size } = info
    if (name.length > LONGEST_REGION_NAME) {
      fault(`Expected a name of at most ${LONGEST_REGION_NAME} characters`)
    }
    if (!Number.isSafeInteger(offset + byte_size)) fault('Expected a smaller offset and byte_size')
    const isKnown = this.#regions.find(owner, name) !== undefined
    const early = refusalOf(isKnown, this.#regions.count, this.#maxRegions)
    if (early) fault(early)
    const { fd } = this.#open(info, fault).file
    const file = identityOf(fd)
    closeSync(fd)
    const reason = await this.publish({ owner, register: info, file, limit: this.#maxRegions })
    if (reason) fault(reason)
  }

  #open(info: RegionInfo, fault: Fault): SharedRegion {
    const { key, offset, byte_size } = info
    const file = openFile(this.#directoryOr(fault), key, true, fault)
    try {
      checkSize(file, offset, offset + byte_size, fault)
    } catch (error) {
      closeSync(file.fd)
      throw error
    }
    return new SharedRegion(info, file)
  }

  /** Unregisters a region, or all of an owner. A name that is not registered is no error. */
  async unregister(owner: string, name: string | undefined, fault: Fault): Promise<void> {
    this.#directoryOr(fault)
    await this.publish({ owner, unregister: name })
  }

  /** Makes a change in this process. Returns the reason if it cannot be made. */
  apply(change: Change): string | undefined {
    const { owner } = change
    if ('register' in change) {
      const { register: info } = change
      try {
        const region = this.#open(info, (detail) => {
          throw new Error(detail)
        })
        if (identityOf(region.file.fd) !== change.file) {
          region.release()
          return 'Another file has this name now; register the region again'
        }
        this.#regions.remove(owner, info.name)
        this.#regions.add(owner, region)
      } catch (error) {
        return (error as Error).message
      }
    } else if (change.unregister !== undefined) this.#regions.remove(owner, change.unregister)
    else for (const { info } of this.#regions.of(owner)) this.#regions.remove(owner, info.name)
    return undefined
  }

  /** Begins the use by one request, whose tensors may have `limit` bytes together. */
  begin(headers: IncomingHttpHeaders, limit: number): SharedUse {
    return new SharedUse({
      limit,
      directoryOr: (fault) => this.#directoryOr(fault),
      find: (name) => this.#regions.find(this.ownerOf(headers), name),
    })
  }

  /** Closes all files that no request uses. */
  close(): void {
    this.#regions.clear()
  }
}
