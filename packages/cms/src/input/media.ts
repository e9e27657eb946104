import * as v from 'valibot'
import { lineInput, notEmpty } from './text.ts'

const pixels = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000)))

const fields = {
  filename: lineInput(1, 255),
  mimeType: v.pipe(
    v.string(),
    v.maxLength(127),
    v.regex(
      /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/,
      'must be a media type such as image/png',
    ),
  ),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  width: pixels,
  height: pixels,
  alt: lineInput(0, 1000),
  url: v.pipe(
    lineInput(1, 2048),
    v.regex(/^(?:https?:\/\/|\/(?!\/))/, 'must be an http(s) URL or a path from the root'),
  ),
}

/** Body of `POST /api/media`. */
export const MediaCreateInput = v.strictObject({
  ...fields,
  width: v.optional(fields.width, null),
  height: v.optional(fields.height, null),
  alt: v.optional(fields.alt, ''),
})
export type MediaCreate = v.InferOutput<typeof MediaCreateInput>

/** Body of `PUT /api/media/:id`. */
export const MediaUpdateInput = v.pipe(
  v.strictObject({
    filename: v.exactOptional(fields.filename),
    mimeType: v.exactOptional(fields.mimeType),
    size: v.exactOptional(fields.size),
    width: v.exactOptional(fields.width),
    height: v.exactOptional(fields.height),
    alt: v.exactOptional(fields.alt),
    url: v.exactOptional(fields.url),
  }),
  notEmpty(),
)
export type MediaUpdate = v.InferOutput<typeof MediaUpdateInput>
