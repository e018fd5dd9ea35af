import type { Actions } from './actions.ts'
import { BadLink, fromFragment, unpackLogits } from './link.ts'
import type { Model } from './model.ts'

/** Loads the state from the address, if it has one. */
export async function followLink(model: Model, actions: Actions): Promise<void> {
  const fragment = location.hash.slice(1)
  if (fragment.length < 8) return
  const { dial, three } = model
  try {
    const linked = await fromFragment(fragment)
    model.fields = linked.fields
    model.textSeed = linked.textSeed ?? model.textSeed
    for (const [i, temperature] of (linked.three ?? []).entries()) {
      const column = three.tale!.columns[i]
      if (column) column.temperature = column.writtenAt = temperature
    }
    if (linked.logits) {
      const words: string[] = []
      for (const [id, word] of Object.entries(linked.words ?? {})) words[Number(id)] = word
      actions.showRow(
        { name: linked.name ?? 'Linked logits', logits: unpackLogits(linked.logits) },
        { name: linked.vocabulary ?? '', words },
      )
      dial.inspected = linked.inspected
    } else if (linked.beginning !== undefined && linked.beginning !== dial.tale?.beginning) {
      await actions.begin(linked.beginning)
    }
  } catch (error) {
    if (!(error instanceof BadLink)) throw error
    model.notice = error.message
  }
}
