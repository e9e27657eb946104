import {
  CachedRepository,
  type CacheService,
  type Change,
  type Current,
  type Database,
  type Source,
} from '@freshet/cache-core'
import { list, type Post, post } from './mini-resources.ts'

/** What a change of a post may set. */
export interface PostInput {
  grp?: string
  author?: string
  v: number
}

/** Posts through the library's own repository pattern: guarded by version, tried again when another writer was first. */
export class PostRepository extends CachedRepository<Post, Post[], { group: string }, Post, PostInput> {
  constructor(cache: CacheService, db: Database) {
    super(cache, db)
  }

  protected item(id: string): Source<Post> {
    return post.at({ id })
  }

  protected list({ group }: { group: string }): Source<Post[]> {
    return list.at({ id: group })
  }

  protected async current(id: string): Promise<Current<Post> | null> {
    const { statements, decode } = post.at({ id }).load(this.db)
    const value = decode(await this.db.batch(statements))
    return value && { value, version: value.v }
  }

  protected insertion(input: Post): { id: string; changes: Change[] } {
    return { id: input.id, changes: [insertPost(this.db, input)] }
  }

  protected modification({ value }: Current<Post>, input: PostInput): Change[] {
    return [updatePost(this.db, value, input)]
  }

  protected removal({ value }: Current<Post>): Change[] {
    return [deletePost(this.db, value)]
  }
}

/** Makes a post that is not there. */
export function insertPost(db: Database, { id, grp, author, v }: Post): Change {
  return {
    statement: db
      .prepare('INSERT INTO posts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING')
      .bind(id, grp, author, v),
    event: { type: 'post.create', payload: { id, groups: [grp] }, patterns: patterns(id, [grp]) },
  }
}

/** Changes a post that is still as it was seen. */
export function updatePost(
  db: Database,
  seen: Post,
  { grp = seen.grp, author = seen.author, v }: PostInput,
): Change {
  const groups = [...new Set([seen.grp, grp])]
  return {
    statement: db
      .prepare('UPDATE posts SET grp = ?, author = ?, v = ? WHERE id = ? AND v = ?')
      .bind(grp, author, v, seen.id, seen.v),
    event: { type: 'post.update', payload: { id: seen.id, groups }, patterns: patterns(seen.id, groups) },
  }
}

/** Removes a post that is still as it was seen. */
export function deletePost(db: Database, seen: Post): Change {
  return {
    statement: db.prepare('DELETE FROM posts WHERE id = ? AND v = ?').bind(seen.id, seen.v),
    event: {
      type: 'post.delete',
      payload: { id: seen.id, groups: [seen.grp] },
      patterns: patterns(seen.id, [seen.grp]),
    },
  }
}

function patterns(id: string, groups: readonly string[]): string[] {
  return [`content:post:${id}`, ...groups.map((group) => `api:list:${group}`)]
}
