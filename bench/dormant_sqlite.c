/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What bench/dormant measures of SQLite: a database in memory, 20 000 rows put in, and then
 * looked up, joined, summed, changed and removed. It is far more than fits a buffer, which is
 * emptied after every thousand steps of SQLite's machine, and so never holds more than 140 000.
 */
#include <stdio.h>
#include <string.h>

#include "sqlite3.h"

enum { ROWS = 20000, PARTS = 500, LOOKUPS = 5000, STEPS = 1000 };

/* dormant_run.c */
void reset(void);

unsigned long parse(const char *text, size_t size);

static sqlite3 *database;
static unsigned long sum;

static int empty_buffer(void *unused)
{
	(void)unused;
	reset();
	return 0;
}

static int run(const char *sql)
{
	return sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* All rows of a query: the sum of their columns. */
static int sum_of(const char *sql)
{
	sqlite3_stmt *query;
	int result;

	if (sqlite3_prepare_v2(database, sql, -1, &query, NULL) != SQLITE_OK)
		return 0;
	while ((result = sqlite3_step(query)) == SQLITE_ROW)
		for (int column = 0; column < sqlite3_column_count(query); column++)
			sum += (unsigned long)sqlite3_column_int64(query, column);
	return sqlite3_finalize(query) == SQLITE_OK && result == SQLITE_DONE;
}

static int insert(void)
{
	sqlite3_stmt *row;
	unsigned key = 1;
	char name[32];

	if (sqlite3_prepare_v2(database, "INSERT INTO items VALUES (?, ?, ?)", -1, &row, NULL) != SQLITE_OK)
		return 0;
	for (int i = 0; i < ROWS; i++) {
		key = key * 1103515245 + 12345;
		snprintf(name, sizeof name, "item %u", key >> 12);
		sqlite3_bind_int(row, 1, i);
		sqlite3_bind_int(row, 2, i % PARTS);
		sqlite3_bind_text(row, 3, name, -1, SQLITE_STATIC);
		if (sqlite3_step(row) != SQLITE_DONE || sqlite3_reset(row) != SQLITE_OK)
			return 0;
	}
	return sqlite3_finalize(row) == SQLITE_OK;
}

static int look_up(void)
{
	sqlite3_stmt *query;

	if (sqlite3_prepare_v2(database, "SELECT length(name), part FROM items WHERE id = ?", -1, &query,
			       NULL) != SQLITE_OK)
		return 0;
	for (int i = 0; i < LOOKUPS; i++) {
		sqlite3_bind_int(query, 1, i * 7919 % ROWS);
		if (sqlite3_step(query) != SQLITE_ROW)
			return 0;
		sum += (unsigned long)(sqlite3_column_int(query, 0) + sqlite3_column_int(query, 1));
		sqlite3_reset(query);
	}
	return sqlite3_finalize(query) == SQLITE_OK;
}

unsigned long parse(const char *text, size_t size)
{
	int done;

	(void)text;
	(void)size;
	sum = 0;
	if (sqlite3_open(":memory:", &database) != SQLITE_OK)
		return 0;
	sqlite3_progress_handler(database, STEPS, empty_buffer, NULL);
	done = run("CREATE TABLE parts (part INTEGER PRIMARY KEY, weight INTEGER)") &&
	       run("CREATE TABLE items (id INTEGER PRIMARY KEY, part INTEGER, name TEXT)") &&
	       run("CREATE INDEX by_name ON items (name)") &&
	       run("CREATE INDEX by_part ON items (part)") &&
	       run("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 499) "
		   "INSERT INTO parts SELECT i, i * 31 % 97 FROM n") &&
	       run("BEGIN") && insert() && run("COMMIT") && look_up() &&
	       sum_of("SELECT id FROM items WHERE name BETWEEN 'item 2' AND 'item 4' ORDER BY name") &&
	       sum_of("SELECT items.id, parts.weight FROM items JOIN parts USING (part) WHERE weight < 30") &&
	       sum_of("SELECT part, count(*), sum(id), max(length(name)) FROM items GROUP BY part") &&
	       run("UPDATE items SET name = name || 'x' WHERE id % 10 = 0") &&
	       run("DELETE FROM items WHERE id % 7 = 0");
	sqlite3_close(database);
	return done ? sum : 0;
}
