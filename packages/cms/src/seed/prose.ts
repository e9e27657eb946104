import type { Faker } from '@faker-js/faker'

/** Sentences to choose from: making each one anew would take most of the time. */
const POOL = 2000
const SENTENCES_A_PARAGRAPH = 5

/** Text by the byte: what makes most of a post. */
export class Prose {
  readonly #faker: Faker
  readonly #pool: string[]

  constructor(faker: Faker) {
    this.#faker = faker
    this.#pool = Array.from({ length: POOL }, () => faker.lorem.sentence({ min: 5, max: 20 }))
  }

  sentence(): string {
    return this.#faker.helpers.arrayElement(this.#pool)
  }

  /** Paragraphs of about this many bytes together. */
  text(bytes: number): string {
    const paragraphs: string[] = []
    for (let left = bytes; left > 0; ) {
      const sentences: string[] = []
      for (let i = 0; i < SENTENCES_A_PARAGRAPH && left > 0; i++) {
        const sentence = this.sentence()
        left -= sentence.length + 1
        sentences.push(sentence)
      }
      paragraphs.push(sentences.join(' '))
    }
    return paragraphs.join('\n\n').slice(0, bytes)
  }
}
