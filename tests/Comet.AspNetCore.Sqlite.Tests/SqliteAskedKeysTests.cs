using Comet.AspNetCore.Stores;
using Comet.TestUtilities.Conformance;

namespace Comet.AspNetCore.Sqlite.Tests;

/// <summary>Keys that somebody asks for and nobody publishes to: visitors name them, so they leave nothing in the file.</summary>
public sealed class SqliteAskedKeysTests : SqliteFileTests
{
    [Fact]
    public async Task Ten_thousand_names_leave_the_file_as_it_was()
    {
        var before = await AskAsync(names: 1);

        var after = await AskAsync(names: 10_000);

        Assert.Equal(before, after);
    }

    [Fact]
    public async Task The_epoch_of_a_key_is_the_same_after_a_restart_before_its_first_message_and_after()
    {
        var asked = await EpochAsync();
        var (again, first) = (new RecordingTail(), default(FeedPosition));
        await using (var host = await StartAsync())
        {
            await using var log = await OpenAsync(host, again, feed: "rooms/1");
            await using var same = await OpenAsync(host, new RecordingTail(), feed: "rooms/1");
            Assert.Equal((asked, 0), ((await log.ReadAsync(0, 10, CancellationToken.None)).Epoch, again.Start));
            Assert.Equal(new FeedPosition(asked, 0), await log.FindNewestAsync(10, CancellationToken.None));
            first = await AppendAsync(log, 1);
            Assert.Equal([1], await ReadAllAsync(same));
        }

        Assert.Equal((asked, 1), (first.Epoch, again.Resets));
        Assert.Equal(asked, await EpochAsync());
        Assert.NotEqual(asked, await EpochAsync("rooms/2"));
        Query("UPDATE seed SET value = 'another'");
        Assert.Equal(asked, await EpochAsync());
    }

    [Fact]
    public async Task A_key_whose_messages_were_all_removed_never_has_its_epoch_again()
    {
        var time = new ManualTime();
        var epochs = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            await using (var host = await StartAsync(time))
            {
                await using (var log = await OpenAsync(host, new RecordingTail(), Plenty with { Age = TimeSpan.FromMinutes(1) }, "rooms/1"))
                {
                    epochs.Add((await AppendAsync(log, 1)).Epoch);
                }
                await FeedsAreRemovedAsync(time);
            }
            epochs.Add(await EpochAsync());
        }

        Assert.Equal(4, epochs.Distinct().Count()); // what is asked for has the epoch that it will have
        Assert.Equal(1L, Query("SELECT count(*) FROM removals"));
    }

    [Fact]
    public async Task The_epoch_of_a_key_stays_while_it_is_open_whatever_is_removed_beside_it()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail, feed: "rooms/1");
        Query("WITH RECURSIVE all_of AS (SELECT 0 AS bucket UNION SELECT bucket + 1 FROM all_of WHERE bucket < 1023)"
            + " INSERT INTO removals SELECT bucket, 1 FROM all_of");
        await using var again = await OpenAsync(host, new RecordingTail(), feed: "rooms/1");

        Assert.Equal((tail.Epoch, 1), ((await AppendAsync(again, 1)).Epoch, tail.Resets));
    }

    [Fact]
    public async Task A_feed_without_a_key_has_its_row_from_the_start()
    {
        var epoch = await EpochAsync("feed");

        Assert.Equal(epoch, Query("SELECT epoch FROM feeds"));
        Assert.Equal(epoch, await EpochAsync("feed"));
    }

    private async Task<string> EpochAsync(string feed = "rooms/1")
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, tail, feed: feed);
        return tail.Epoch;
    }

    // As streams on them do, and who asks for their newest messages.
    private async Task<(object? Rows, long Length)> AskAsync(int names)
    {
        await using (var host = await StartAsync())
        {
            var rooms = host.Feeds("rooms", new FeedOptions());
            foreach (var some in Enumerable.Range(0, names).Chunk(500))
            {
                await Task.WhenAll(some.Select(name => rooms.Get($"{name}").GetNewestAsync(10).AsTask())).WithPatience();
            }
            Assert.Null(await rooms.FindAsync("0"));
        }
        return (Query("SELECT count(*) FROM feeds"), new FileInfo(File).Length);
    }
}
