/**
 * Joining, coming back, leaving: the requests about one room.
 *
 * @typedef {import("./connection.js").Connection} Connection
 * @typedef {import("./rooms.js").Room} Room
 * @typedef {import("./rooms.js").Rooms} Rooms
 */

import { errorOf, isTemporary } from "./errors.js";

const RETRY_SECONDS = 2;

/**
 * Join a new room and show it; rejects with a `RequestError`.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 * @param {boolean} isSelected
 */
export async function join(connection, rooms, room, isSelected) {
  await room.channel.join(connection, ({ presence }) => {
    room.presence = presence;
    rooms.add(room, isSelected);
  });
}

/**
 * Join a room again and show what was missed; an error is shown in the room.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 */
export async function rejoin(connection, rooms, room) {
  try {
    await room.channel.join(connection, ({ presence }) => rooms.setPresence(room, presence));
  } catch (thrown) {
    const error = errorOf(thrown);
    if (!connection.connected) return; // the next connect joins again
    room.stream.error(error);
    if (!isTemporary(error)) return;
    const isStill = () => connection.connected && rooms.get(room.namespace, room.channel.name) === room;
    const waitMs = (error.retry_after ?? RETRY_SECONDS) * 1000;
    setTimeout(() => isStill() && void rejoin(connection, rooms, room), waitMs);
  }
}

/**
 * Leave a room and show it no more; rejects with a `RequestError`.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 */
export async function leave(connection, rooms, room) {
  // Without a connection there is nothing to leave but what is shown.
  if (connection.connected) await connection.request("leave", { channel: room.channel.name });
  rooms.remove(room);
}

/** So many pages are loaded at once for a message that a link names. */
const MOST_PAGES = 20;

/**
 * Load earlier messages until the one of an offset is there, or can't be had.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 * @param {number} offset
 */
export async function loadBackTo(connection, rooms, room, offset) {
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { oldest, hasMore } = room.stream;
    if (oldest === null || oldest <= offset || !hasMore || !connection.connected) return;
    await loadEarlier(connection, rooms, room);
    if (room.stream.oldest === oldest) return; // an error, which is shown
  }
}

/**
 * Show the page before the oldest message; an error is shown in the room.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 */
export async function loadEarlier(connection, rooms, room) {
  try {
    const isOurs = await room.channel.loadEarlier(connection);
    if (!isOurs) await rejoin(connection, rooms, room);
  } catch (thrown) {
    room.stream.error(errorOf(thrown));
  }
}

/**
 * Ask who is in a room; an error is shown in the room.
 *
 * @param {Connection} connection
 * @param {Rooms} rooms
 * @param {Room} room
 */
export async function refreshMembers(connection, rooms, room) {
  try {
    const asked = { channel: room.channel.name };
    const { count, members } = await connection.request("presence", asked);
    rooms.setPresence(room, { count, members });
  } catch (thrown) {
    room.stream.error(errorOf(thrown));
  }
}
