import { closeSync } from 'node:fs'
import type { SharedFile } from './directory.ts'

/** A part of a file, registered under a name. */
export interface RegionInfo {
  readonly name: string
  readonly key: string
  readonly offset: number
  readonly byte_size: number
}

/** A registered region. It stays open until it is unregistered and no request uses it. */
export class SharedRegion {
  readonly info: RegionInfo
  readonly file: SharedFile
  #uses = 1

  constructor(info: RegionInfo, file: SharedFile) {
    this.info = info
    this.file = file
  }

  use(): void {
    this.#uses++
  }

  /** Ends a use; unregistering ends the first. The last one closes the file. */
  release(): void {
    this.#uses--
    if (this.#uses === 0) closeSync(this.file.fd)
  }
}

/** The regions of all owners. An owner sees only its own. */
export class Regions {
  readonly #owners = new Map<string, Map<string, SharedRegion>>()
  #count = 0

  get count(): number {
    return this.#count
  }

  of(owner: string): readonly SharedRegion[] {
    return [...(this.#owners.get(owner)?.values() ?? [])]
  }

  find(owner: string, name: string): SharedRegion | undefined {
    return this.#owners.get(owner)?.get(name)
  }

  add(owner: string, region: SharedRegion): void {
    const own = this.#owners.get(owner) ?? new Map<string, SharedRegion>()
    this.#owners.set(owner, own.set(region.info.name, region))
    this.#count++
  }

  /** Unregisters a region, if there is one of this name. */
  remove(owner: string, name: string): void {
    const own = this.#owners.get(owner)
    const region = own?.get(name)
    if (!own || !region) return
    own.delete(name)
    if (own.size === 0) this.#owners.delete(owner)
    this.#count--
    region.release()
  }

  clear(): void {
    for (const [owner, own] of this.#owners) for (const name of own.keys()) this.remove(owner, name)
  }
}
