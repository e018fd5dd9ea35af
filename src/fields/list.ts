import type * as z from 'zod'
import { type Form, formOf, forms } from './form.ts'
import { describeValue, isList, itemsOf, parsed, parsePart, toPart } from './parsed.ts'

/** Lists of values are written with commas, other lists as JSON. */
function formOfList(item: z.ZodType): Form {
  const { kind, isList } = formOf(item)
  return isList || kind === 'object'
    ? { kind: 'json', isList: false, isLong: true }
    : { kind, isList: true }
}

/** A field that is an array. The schema of its items parses them up to the first faulty one. */
export function list<Item extends z.ZodType>(
  item: Item,
  documentation: { description: string; minItems?: number; maxItems?: number },
) {
  const { maxItems = Number.POSITIVE_INFINITY } = documentation
  return parsed({ ...documentation, type: 'array', items: toPart(item) }, (value, fault) => {
    if (!isList(value)) return fault([], `Expected an array, got ${describeValue(value)}`)
    if (value.length > maxItems) {
      fault([], `Expected at most ${maxItems} items, got ${value.length}`)
    }
    return itemsOf(value).map((element, index): z.output<Item> => parsePart(item, element, [index]))
  }).register(forms, formOfList(item))
}
