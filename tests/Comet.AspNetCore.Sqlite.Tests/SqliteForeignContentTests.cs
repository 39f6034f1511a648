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
