using System.Text;
using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;
using Microsoft.Data.Sqlite;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>Somebody else wrote into the file. Readers get the rest, in a form that is safe in a page, and the store works.</summary>
public sealed class SqliteForeignContentTests : SqliteFileTests
{
    [Fact]
    public async Task Payloads_are_checked_and_escaped_before_they_reach_a_tail_or_a_reader()
    {
        await PublishAsync("a", "b", "c", "d", "e");
        Write(1, Encoding.UTF8.GetBytes("</script><script>alert(1)"));
        Write(2, Encoding.UTF8.GetBytes("\"</script><script>alert(1)\u2028\""));
        Write(3, [(byte)'"', 0xFF, (byte)'"']);
        Query("UPDATE entries SET payload = '\"text <\"' WHERE offset = 4"); // TEXT, no BLOB, as a shell writes it
        using var messages = new RecordedLog();
        await using var host = await StartAsync(log: messages);
        var feed = host.Feed("feed", new FeedOptions());

        var read = await ReadAsync(feed, 3);

        Assert.Equal(["</script><script>alert(1)\u2028", "text <", "e"], read);
        var core = feed.Handle.Acquire();
        var page = await (await core.OpenAsync(CancellationToken.None)).ReadAsync(0, 100, CancellationToken.None);
        Assert.Equal("\"\\u003C/script\\u003E\\u003Cscript\\u003Ealert(1)\\u2028\"", Encoding.UTF8.GetString(page.Entries[0].Payload.Span));
        core.Release();
        Assert.Single(messages.Entries, entry => entry.EventId.Name is "EntryRejected");
    }

    [Theory]
    [InlineData("x''")]
    [InlineData("''")]
    public async Task An_empty_payload_completes_no_feed(string payload)
    {
        await PublishAsync("a", "b", "c");
        Query($"UPDATE entries SET payload = {payload} WHERE offset = 2");
        await PublishAsync("d");
        Query($"UPDATE entries SET payload = {payload} WHERE offset = 4");
        using var messages = new RecordedLog();
        await using var host = await StartAsync(log: messages);
        var feed = host.Feed("feed", new FeedOptions());

        await feed.PublishAsync("e");

        Assert.Equal(["a", "c", "e"], await ReadAsync(feed, 3));
        Assert.Single(messages.Entries, entry => entry.EventId.Name is "EntryRejected");
        await feed.CompleteAsync();
        Assert.Equal(1L, Query("SELECT count(*) FROM entries WHERE payload IS NULL"));
        Assert.Equal(3, (await feed.GetNewestAsync(10)).Messages.Count);
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("4611686018427387904")]
    [InlineData("9007199254740997")]
    [InlineData("9007199254740992")]
    [InlineData("'text'")]
    [InlineData("0")]
    [InlineData("-3")]
    public async Task A_row_with_an_offset_that_no_log_reaches_is_removed_and_told_once_and_the_others_stay(string offset)
    {
        await PublishAsync("a", "b", "c");
        var epoch = Query("SELECT epoch FROM feeds");
        InsertRow(offset);
        using var messages = new RecordedLog();
        await using (var host = await StartAsync(log: messages))
        {
            var position = await host.Feed("feed", new FeedOptions { Retain = 4 }).PublishAsync("d");

            Assert.Equal($"{epoch}-4", position.ToString());
            Assert.Equal(["a", "b", "c", "d"], await ReadAsync(host.Feed("feed", new FeedOptions()), 4));
            Assert.Null(await host.UnreadinessAsync());
        }
        await using (var host = await StartAsync(log: messages))
        {
            Assert.Equal(["a", "b", "c", "d"], await ReadAsync(host.Feed("feed", new FeedOptions()), 4));
        }
        Assert.Equal(4L, Query("SELECT count(*) FROM entries"));
        var warning = Assert.Single(messages.Entries, entry => entry.EventId.Name is "SqliteRowsForeign" or "SqliteFeedBegunAnew");
        Assert.Equal(
            "Another program writes to the SQLite file: rows of the feed feed that have offsets which no log reaches are removed (1), and "
            + "the others stay.",
            warning.Message);
    }

    [Fact]
    public async Task Readers_and_retention_leave_out_a_row_that_is_written_while_the_app_runs()
    {
        await using var host = await StartAsync();
        await using var log = await OpenAsync(host, new RecordingTail(), Plenty with { Entries = 3 });
        await AppendManyAsync(log, 3);
        InsertRow("4611686018427387904");

        await AppendAsync(log, 3);

        Assert.Equal([1, 2, 3], await ReadAllAsync(log));
        Assert.Equal(2, (await log.FindNewestAsync(2, CancellationToken.None)).Offset);
    }

    [Fact]
    public async Task A_key_that_has_such_a_row_only_is_removed_with_it()
    {
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        await using (var log = await OpenAsync(host, new RecordingTail(), Plenty with { Age = TimeSpan.FromMinutes(1) }, "rooms/1"))
        {
            await AppendAsync(log, 1);
        }
        Query("DELETE FROM entries");
        InsertRow("4611686018427387904");

        await FeedsAreRemovedAsync(time);

        Assert.Equal(0L, Query("SELECT count(*) FROM entries"));
    }

    [Fact]
    public async Task A_feed_at_the_highest_offset_begins_anew_and_operators_are_told()
    {
        await PublishAsync("a");
        Query("UPDATE entries SET offset = 9007199254740991");
        var epoch = Query("SELECT epoch FROM feeds");
        using var messages = new RecordedLog();
        await using (var host = await StartAsync(log: messages))
        {
            var position = await host.Feed("feed", new FeedOptions()).PublishAsync("b");

            Assert.Equal(1, position.Offset);
            Assert.NotEqual(epoch, position.Epoch);
        }
        await using var later = await StartAsync(log: messages);
        Assert.Equal(["b"], await ReadAsync(later.Feed("feed", new FeedOptions()), 1));
        Assert.Equal(["SqliteFeedBegunAnew"], StoreEvents(messages));
    }

    [Theory]
    [InlineData("DELETE FROM entries; UPDATE feeds SET trimmed = 9223372036854775807", "SqliteFeedBegunAnew")]
    [InlineData("DELETE FROM entries; UPDATE feeds SET trimmed = -5", "SqliteFeedBegunAnew")]
    [InlineData("UPDATE entries SET offset = offset - 10", "SqliteRowsForeign", "SqliteFeedBegunAnew")]
    public async Task Operators_are_told_of_a_feed_that_begins_anew(string sql, params string[] events)
    {
        await PublishAsync("a", "b");
        Query(sql);
        var epoch = Query("SELECT epoch FROM feeds");
        using var messages = new RecordedLog();
        await using var host = await StartAsync(log: messages);

        Assert.NotEqual(epoch, (await host.Feed("feed", new FeedOptions()).PublishAsync("c")).Epoch);

        Assert.Equal(events, StoreEvents(messages));
    }

    [Theory]
    [InlineData("UPDATE feeds SET epoch = '</script>'")]
    [InlineData("UPDATE entries SET offset = 9223372036854775807 WHERE offset = 2")]
    [InlineData("UPDATE entries SET offset = 9223372036854775806 WHERE offset = 2")]
    [InlineData("DELETE FROM entries; UPDATE feeds SET trimmed = 9223372036854775807")]
    [InlineData("DELETE FROM entries; UPDATE feeds SET trimmed = -5")]
    [InlineData("DELETE FROM entries; UPDATE feeds SET trimmed = -9223372036854775808")]
    [InlineData("UPDATE entries SET offset = offset - 10")]
    [InlineData("UPDATE entries SET at_ms = 9223372036854775807")]
    [InlineData("UPDATE entries SET at_ms = 'yesterday', total = 'much'")]
    [InlineData("UPDATE feeds SET keep_ms = 9223372036854775807")]
    [InlineData("UPDATE feeds SET keep_ms = 'long', trimmed = 'none'")]
    [InlineData("INSERT INTO feeds (name, epoch, trimmed, keep_ms) VALUES ('</script>/', '', -1, -9223372036854775808)")]
    public async Task Other_columns_stop_neither_the_store_nor_its_readers(string sql)
    {
        await PublishAsync("a", "b");
        Query(sql);
        var time = new ManualTime();
        await using var host = await StartAsync(time);
        await using var other = await OpenAsync(host, new RecordingTail(), feed: "other"); // after the sweep of feeds that are not open
        time.Advance(TimeSpan.FromSeconds(5));
        var feed = host.Feed("feed", new FeedOptions { RetainFor = TimeSpan.FromDays(3650) });

        await feed.PublishAsync("b");
        var position = await feed.PublishAsync("c");

        Assert.True(FeedPosition.TryParse(position.ToString(), out _));
        Assert.Equal("c", (await ReadAsync(feed, 4, atLeast: 1))[^1]);
        Assert.Null(await host.UnreadinessAsync());
    }

    private async Task PublishAsync(params string[] texts)
    {
        await using var host = await StartAsync();
        var feed = host.Feed("feed", new FeedOptions());
        foreach (var text in texts)
        {
            await feed.PublishAsync(text);
        }
    }

    private static async Task<List<string>> ReadAsync(Feed<string> feed, int count, int? atLeast = null)
    {
        var texts = new List<string>();
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        await foreach (var message in feed.ReadAsync(FeedPosition.Earliest, deadline.Token))
        {
            texts.Add(message.Value);
            if (texts.Count == count || (texts.Count >= atLeast && message.Value == "c"))
            {
                break;
            }
        }
        return texts;
    }

    private void InsertRow(string offset) => Query(
        "INSERT INTO entries (feed, offset, at_ms, total, payload) "
        + $"VALUES (1, {offset}, {DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()}, 20, x'3122')");

    private void Write(long offset, byte[] payload)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "UPDATE entries SET payload = $1 WHERE offset = $2";
        command.Parameters.AddWithValue("$1", payload);
        command.Parameters.AddWithValue("$2", offset);
        Assert.Equal(1, command.ExecuteNonQuery());
    }
}
