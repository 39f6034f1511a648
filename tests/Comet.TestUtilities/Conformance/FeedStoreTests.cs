using System.Globalization;
using System.Text;
using Comet.AspNetCore;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.TestUtilities.Conformance;

/// <summary>What every store does, called directly and through a feed.</summary>
public abstract class FeedStoreTests
{
    /// <summary>Adds the store. All hosts of one test share the logs, if the store keeps them.</summary>
    protected abstract void AddStore(WebApplicationBuilder builder);

    /// <summary>A feed's name that no other test uses.</summary>
    protected static string NewName() => "feed-" + Guid.NewGuid().ToString("N");

    protected static FeedRetention Plenty { get; } = new(1_000_000, 1L << 30, TimeSpan.FromDays(1));

    protected Task<StoreHost> StartAsync() => StoreHost.StartAsync(AddStore);

    protected static async Task<IFeedLog> OpenAsync(StoreHost host, string feed, IFeedTail tail) =>
        await host.Store.OpenAsync(FeedName.Parse(feed), Plenty, tail, TestContext.Current.CancellationToken).AsTask().WithPatience();

    protected static Task<FeedPosition> AppendAsync(IFeedLog log, string json, CancellationToken cancellationToken = default) =>
        log.AppendAsync(Payloads.Of(json), cancellationToken).AsTask().WithPatience();

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    public async Task The_position_of_a_stream_takes_at_most_20_bytes_a_feed(int count)
    {
        var family = NewName();
        KeyedFeeds<string>? feeds = null;
        await using var host = await StoreHost.StartAsync(
            AddStore, app => app.MapPost("/", () => CometResults.Feeds([feeds!.Where(static _ => true)], "parent.f")));
        feeds = host.Feeds(family, new FeedOptions());
        var keys = Enumerable.Range(0, count).Select(static i => $"{i}").ToList();
        var random = new Random(count);
        await PublishAsync(3 * count); // so that each feed is elsewhere
        using var client = new HttpClient { BaseAddress = host.Url };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/")
        {
            Headers = { { "Accept", "text/event-stream" } },
            Content = new FormUrlEncodedContent(keys.Select(key => KeyValuePair.Create("feed", $"{family}/{key}"))),
        };
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead).WithPatience();
        response.EnsureSuccessStatusCode();
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var ids = new List<string>();
        await ReadAsync(isEnough: () => ids.Count == 1); // that of the last open
        await PublishAsync(2 * count);
        await ReadAsync(isEnough: () => ids.Count == 1 + (2 * count));

        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} feeds: at first {ids[0].Length} bytes, at most {ids.Max(static id => id.Length)}: " +
            $"{ids.MaxBy(static id => id.Length)}");
        Assert.All(ids, id => Assert.InRange(id.Length, 1, 20 * count));

        Task PublishAsync(int messages) => Task.WhenAll(
            Enumerable.Range(0, messages).Select(_ => feeds.Get(keys[random.Next(count)]).PublishAsync("message").AsTask())).WithPatience();

        async Task ReadAsync(Func<bool> isEnough)
        {
            while (!isEnough())
            {
                var line = await lines.ReadLineAsync().WithPatience();
                Assert.NotNull(line);
                if (line.StartsWith("id: ", StringComparison.Ordinal))
                {
                    ids.Add(line["id: ".Length..]);
                }
            }
        }
    }

    [Fact]
    public async Task A_tail_is_reset_before_its_log_is_open()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();

        await using var log = await OpenAsync(host, NewName(), tail);

        Assert.Equal(1, tail.Resets);
        Assert.Equal(0, tail.Start);
        Assert.Empty(tail.Entries);
    }

    [Fact]
    public async Task Entries_reach_the_tail_in_order_and_once_with_the_positions_that_were_confirmed()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);
        var before = DateTimeOffset.UtcNow;

        var positions = new List<FeedPosition>();
        for (var number = 0; number < 100; number++)
        {
            positions.Add(await AppendAsync(log, number.ToString(CultureInfo.InvariantCulture)));
        }

        var entries = await tail.ReceiveAsync(100);
        Assert.Equal(Payloads.Numbers(0, 100), tail.Texts);
        Assert.Equal(positions, entries.ConvertAll(entry => new FeedPosition(tail.Epoch, entry.Offset)));
        Assert.True(entries[0].Offset >= 1, "Offsets begin at 1.");
        Assert.All(entries.Zip(entries.Skip(1)), pair => Assert.True(pair.First.Offset < pair.Second.Offset));
        Assert.All(entries, entry => Assert.InRange(entry.At, before.AddMinutes(-1), DateTimeOffset.UtcNow.AddMinutes(1)));
        Assert.Equal(1, tail.Resets);
    }

    [Fact]
    public async Task Concurrent_appends_get_offsets_of_their_own_and_keep_the_order_of_each_publisher()
    {
        const int Publishers = 16;
        const int Each = 50;
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        var confirmed = await Task.WhenAll(Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            var mine = new List<(long Offset, string Text)>();
            for (var number = 0; number < Each; number++)
            {
                var text = $"\"{publisher}:{number}\"";
                mine.Add(((await AppendAsync(log, text)).Offset, text));
            }
            return mine;
        })));

        var entries = await tail.ReceiveAsync(Publishers * Each);
        Assert.Equal(
            confirmed.SelectMany(mine => mine).OrderBy(entry => entry.Offset),
            entries.Select(entry => (entry.Offset, Encoding.UTF8.GetString(entry.Payload.Span))));
        Assert.All(confirmed, mine => Assert.Equal(mine.OrderBy(entry => entry.Offset), mine));
    }

    [Fact]
    public async Task Appends_that_nobody_waited_for_keep_their_order()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        var appends = Payloads.Numbers(0, 1000).Select(text => AppendAsync(log, text)).ToList();
        var positions = await Task.WhenAll(appends);

        await tail.ReceiveAsync(1000);
        Assert.Equal(Payloads.Numbers(0, 1000), tail.Texts);
        Assert.Equal(1000, positions.Distinct().Count());
    }

    [Fact]
    public async Task Payloads_come_back_byte_by_byte()
    {
        await using var host = await StartAsync();
        var tail = new RecordingTail();
        await using var log = await OpenAsync(host, NewName(), tail);

        foreach (var json in Payloads.Odd)
        {
            await AppendAsync(log, json);
        }

        await tail.ReceiveAsync(Payloads.Odd.Length);
        Assert.Equal(Payloads.Odd, tail.Texts);
    }

    [Fact]
    public async Task Feeds_do_not_see_each_other_whatever_their_names()
    {
        await using var host = await StartAsync();
        var family = NewName();
        string[] keys =
        [
            "a", "A", "a ", " a", "a/b", "%2F", "..", "'\"", "\u00fc", "u\u0308", "\ud83d\ude00", "*", "#", "a.b", "a_b", new('k', 200),
        ];
        var feeds = new List<(string Name, RecordingTail Tail, IFeedLog Log)>();
        foreach (var name in keys.Select(key => $"{family}/{key}").Append(family))
        {
            var tail = new RecordingTail();
            feeds.Add((name, tail, await OpenAsync(host, name, tail)));
        }

        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(feeds.Select((feed, index) => AppendAsync(feed.Log, $"[{index},{round}]")));
        }

        foreach (var (feed, index) in feeds.Select((feed, index) => (feed, index)))
        {
            await feed.Tail.ReceiveAsync(3);
            Assert.Equal([$"[{index},0]", $"[{index},1]", $"[{index},2]"], feed.Tail.Texts);
            await feed.Log.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_cancelled_call_ends_and_harms_nothing()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var tail = new RecordingTail();
        var cancelled = new CancellationToken(canceled: true);
        await using var log = await OpenAsync(host, feed, tail);

        await EndsAsync(async () => await log.AppendAsync(Payloads.Of(1), cancelled));
        await EndsAsync(async () => await log.ReadAsync(0, 10, cancelled));
        await EndsAsync(async () =>
        {
            await using var log = await host.Store.OpenAsync(FeedName.Parse(feed), Plenty, new RecordingTail(), cancelled);
        });

        var position = await AppendAsync(log, "2");
        var entries = await tail.ReceiveAsync(1);
        Assert.Equal("2", tail.Texts[^1]);
        Assert.Equal(position.Offset, entries[^1].Offset);

        // A store that finishes before the cancellation may succeed.
        static async Task EndsAsync(Func<Task> call)
        {
            if (await Record.ExceptionAsync(() => call().WithPatience()) is { } exception)
            {
                Assert.IsAssignableFrom<OperationCanceledException>(exception);
            }
        }
    }

    [Fact]
    public async Task A_closed_log_leaves_its_tail_alone()
    {
        await using var host = await StartAsync();
        var feed = NewName();
        var tail = new RecordingTail();
        var log = await OpenAsync(host, feed, tail);
        await AppendAsync(log, "1");
        await tail.ReceiveAsync(1);

        await log.DisposeAsync();
        await log.DisposeAsync();

        var next = new RecordingTail();
        await using var again = await OpenAsync(host, feed, next);
        await AppendAsync(again, "2");
        await next.ReceiveAsync(1);
        Assert.Equal(["2"], next.Texts);
        Assert.Equal(["1"], tail.Texts);
    }

    [Fact]
    public async Task A_closed_log_takes_no_more()
    {
        await using var host = await StartAsync();
        var log = await OpenAsync(host, NewName(), new RecordingTail());
        await AppendAsync(log, "1");
        await log.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => AppendAsync(log, "2"));
    }

    [Fact]
    public async Task Whoever_uses_a_feed_after_the_end_is_told_so()
    {
        var host = await StartAsync();
        var rooms = host.Feeds(NewName(), new FeedOptions());
        Feed<string>[] feeds =
        [
            host.Feed(NewName(), new FeedOptions()), rooms.Get("used"), host.Feed(NewName(), new FeedOptions()), rooms.Get("unused"),
        ];
        await feeds[0].PublishAsync("1");
        await feeds[1].PublishAsync("1");
        await host.DisposeAsync();

        foreach (var used in feeds)
        {
            await IsToldOfTheEndAsync(async () => await used.PublishAsync("2"));
            await IsToldOfTheEndAsync(() => used.PublishAllAsync(AsyncEnumerable.Repeat("2", 1)));
            await IsToldOfTheEndAsync(async () => await used.CompleteAsync());
            await IsToldOfTheEndAsync(async () => await used.GetNewestAsync(1));
            await IsToldOfTheEndAsync(async () => await used.ReadAsync().FirstAsync());
            await IsToldOfTheEndAsync(async () => await used.ReadAsync(FeedPosition.Earliest).FirstAsync());
            await IsToldOfTheEndAsync(() => Task.FromResult(used.Head));
        }
        await IsToldOfTheEndAsync(async () => await rooms.FindAsync("used"));
        await IsToldOfTheEndAsync(async () => await rooms.FindAsync("unused"));
    }

    [Fact]
    public async Task Whoever_uses_a_feed_while_the_app_ends_is_told_so_too()
    {
        var host = await StartAsync();
        var (family, feed) = (host.Feeds(NewName(), new FeedOptions()), host.Feed(NewName(), new FeedOptions()));
        var rounds = new int[10];
        var users = Enumerable.Range(0, 2)
            .SelectMany(_ => (Func<Task>[])
            [
                async () => await feed.PublishAsync("1"),
                async () => await family.Get("room").PublishAsync("1"),
                async () => await feed.GetNewestAsync(1000),
                async () => await family.FindAsync("room"),
                async () => await family.FindAsync("nowhere"),
            ])
            .Select((use, index) => IsToldOfTheEndAsync(async () =>
            {
                await Task.Yield();
                while (true)
                {
                    await use();
                    Interlocked.Increment(ref rounds[index]);
                    await Task.Yield();
                }
            }))
            .ToList();
        await Eventually.HoldsAsync(() => rounds.All(static count => count > 10), "all use the feeds");

        users.Add(IsToldOfTheEndAsync(async () => await family.Get("quiet").ReadAsync().LastAsync()));

        await host.DisposeAsync();

        await Task.WhenAll(users);
    }

    // One exception for all stores, soon.
    private static async Task IsToldOfTheEndAsync(Func<Task> use)
    {
        var exception = await Assert.ThrowsAsync<ObjectDisposedException>(() => use().WithPatience());
        Assert.StartsWith("The app has ended, and its feeds with it.", exception.Message);
    }

    [Fact]
    public async Task A_feed_gives_what_follows_any_of_its_positions_and_then_goes_on_live()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        var texts = Payloads.Numbers(0, 40);
        var positions = new List<FeedPosition>();
        foreach (var text in texts[..20])
        {
            positions.Add(await feed.PublishAsync(text));
        }

        var readers = positions.Select((position, index) => ReadAsync(feed, position, 39 - index)).ToList();
        var earliest = ReadAsync(feed, FeedPosition.Earliest, 40);
        foreach (var text in texts[20..])
        {
            await feed.PublishAsync(text);
        }

        Assert.Equal(texts, await earliest);
        for (var index = 0; index < readers.Count; index++)
        {
            Assert.Equal(texts[(index + 1)..], await readers[index]);
        }
    }

    [Fact]
    public async Task Readers_that_come_while_others_publish_miss_nothing_and_see_nothing_twice()
    {
        const int Messages = 2000;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = 2 * Messages });

        var publishing = Task.Run(async () =>
        {
            foreach (var text in Payloads.Numbers(0, Messages))
            {
                await feed.PublishAsync(text);
            }
        });
        var readers = new List<Task<List<string>>>();
        while (!publishing.IsCompleted && readers.Count < 50)
        {
            readers.Add(ReadAsync(feed, FeedPosition.Earliest, Messages));
            await Task.WhenAny(publishing, Task.Delay(5));
        }
        await publishing;

        var expected = Payloads.Numbers(0, Messages);
        Assert.All(await Task.WhenAll(readers), texts => Assert.Equal(expected, texts));
    }

    [Fact]
    public async Task A_reader_gets_everything_after_its_position_or_is_told_that_it_cannot()
    {
        const int Retain = 50;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = Retain });
        var texts = Payloads.Numbers(0, 5 * Retain);
        var positions = new List<FeedPosition>();
        foreach (var text in texts)
        {
            positions.Add(await feed.PublishAsync(text));
        }

        for (var index = 0; index < texts.Length - 1; index++)
        {
            var reading = ReadAsync(feed, positions[index], texts.Length - 1 - index);
            if (await Record.ExceptionAsync(() => reading) is { } exception)
            {
                Assert.Equal(positions[index], Assert.IsType<FeedPositionLostException>(exception).Position);
                Assert.True(index < texts.Length - 1 - Retain, $"The message after {index} of {texts.Length} is retained.");
            }
            else
            {
                Assert.Equal(texts[(index + 1)..], await reading);
            }
        }
        Assert.Equal(texts[^Retain..], (await ReadAsync(feed, FeedPosition.Earliest, Retain, last: texts[^1]))[^Retain..]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_position_that_the_log_never_had_is_lost(bool otherEpoch)
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        await feed.PublishAsync("before");
        var head = await feed.PublishAsync("head");
        var position = otherEpoch ? new FeedPosition("another", 1) : head with { Offset = head.Offset + 1000 };

        var exception = await Assert.ThrowsAsync<FeedPositionLostException>(() => ReadAsync(feed, position, 1));

        Assert.Equal(position, exception.Position);
    }

    [Fact]
    public async Task A_completed_feed_gives_everybody_the_rest_and_then_ends()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        var first = await feed.PublishAsync("1");
        var (early, resumed) = (ReadToEndAsync(feed, FeedPosition.Earliest), ReadToEndAsync(feed, first));
        await feed.PublishAsync("2");

        await feed.CompleteAsync();

        Assert.Equal(["1", "2"], await early);
        Assert.Equal(["2"], await resumed);
        Assert.Equal(["1", "2"], await ReadToEndAsync(feed, FeedPosition.Earliest));
        Assert.Equal(["2"], await ReadToEndAsync(feed, first));
        Assert.Empty(await ReadToEndAsync(feed, after: null));
    }

    [Fact]
    public async Task A_feed_that_is_completed_without_a_message_ends()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());

        await feed.CompleteAsync();

        Assert.Empty(await ReadToEndAsync(feed, after: null));
        Assert.Empty(await ReadToEndAsync(feed, FeedPosition.Earliest));
    }

    [Fact]
    public async Task A_completed_feed_takes_no_more_and_completing_it_again_changes_nothing()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        await feed.PublishAsync("1");
        await feed.CompleteAsync();
        var core = feed.Handle.Acquire();
        var next = core.Tail.State.Next;

        await feed.CompleteAsync();
        var exception = await Assert.ThrowsAsync<FeedCompletedException>(() => feed.PublishAsync("2").AsTask().WithPatience());

        Assert.Equal(feed.Name, exception.FeedName);
        Assert.Equal(next, core.Tail.State.Next);
        Assert.Equal(["1"], await ReadToEndAsync(feed, FeedPosition.Earliest));
    }

    [Fact]
    public async Task Whoever_publishes_while_others_complete_is_read_or_told()
    {
        const int Publishers = 8;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        var reading = ReadToEndAsync(feed, FeedPosition.Earliest);

        var publishing = Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            var confirmed = new List<string>();
            for (var number = 0; ; number++)
            {
                try
                {
                    await feed.PublishAsync($"{publisher}:{number}");
                }
                catch (FeedCompletedException)
                {
                    return confirmed;
                }
                confirmed.Add($"{publisher}:{number}");
            }
        })).ToList();
        await feed.PublishAsync("-");
        await Task.WhenAll(feed.CompleteAsync().AsTask(), feed.CompleteAsync().AsTask()).WithPatience();

        var confirmed = (await Task.WhenAll(publishing).WithPatience()).SelectMany(texts => texts).Append("-");
        Assert.Equal(confirmed.Order(), (await reading).Order());
        Assert.Equal(confirmed.Order(), (await ReadToEndAsync(feed, FeedPosition.Earliest)).Order());
    }

    [Fact]
    public async Task The_newest_messages_are_given_with_the_head()
    {
        const int Retain = 20;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = Retain });
        var empty = await feed.GetNewestAsync(5).AsTask().WithPatience();
        Assert.Empty(empty.Messages);
        Assert.Equal(feed.Head, empty.Head);
        var positions = new List<FeedPosition>();
        foreach (var text in Payloads.Numbers(0, 2 * Retain))
        {
            positions.Add(await feed.PublishAsync(text));
        }

        foreach (var count in (int[])[0, 1, Retain - 1, Retain])
        {
            var newest = await feed.GetNewestAsync(count).AsTask().WithPatience();
            Assert.Equal(Payloads.Numbers((2 * Retain) - count, count), newest.Messages.Select(message => message.Value));
            Assert.Equal(positions[^count..], newest.Messages.Select(message => message.Position));
            Assert.Equal((positions[^1].Epoch, true), (newest.Head.Epoch, newest.Head.Offset >= positions[^1].Offset));
        }
        var all = await feed.GetNewestAsync(1000).AsTask().WithPatience();
        Assert.Equal(
            (await ReadAsync(feed, FeedPosition.Earliest, 2 * Retain, last: $"{(2 * Retain) - 1}")),
            all.Messages.Select(message => message.Value));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await feed.GetNewestAsync(-1));
    }

    [Fact]
    public async Task What_follows_a_rendered_head_is_neither_lost_nor_doubled()
    {
        const int Messages = 1000;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = 2 * Messages });
        var publishing = Task.Run(async () =>
        {
            foreach (var text in Payloads.Numbers(0, Messages))
            {
                await feed.PublishAsync(text);
                await Task.Yield(); // to whoever renders
            }
        });

        do
        {
            var rendered = await feed.GetNewestAsync(10).AsTask().WithPatience();
            var (head, published) = (feed.Head, (await feed.GetNewestAsync(1)).Messages);
            var next = rendered.Messages.Count == 0 ? 0 : Number(rendered.Messages[^1]) + 1;
            var (shown, follow) = (rendered.Messages.Count, Math.Min(5, Messages - next));
            Assert.Equal(Payloads.Numbers(next - shown, shown), rendered.Messages.Select(message => message.Value));
            if (follow > 0)
            {
                Assert.Equal(Payloads.Numbers(next, follow), await ReadAsync(feed, rendered.Head, follow));
            }
            var after = published.Count == 0 ? 0 : Number(published[0]) + 1;
            if (after < Messages)
            {
                var first = int.Parse((await ReadAsync(feed, head, 1))[0], CultureInfo.InvariantCulture);
                Assert.True(first <= after, "A message between the head and what was read after it is lost.");
            }
        }
        while (!publishing.IsCompleted);

        await publishing;

        static int Number(FeedMessage<string> message) => int.Parse(message.Value, CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_completion_is_not_among_the_newest_messages()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        await feed.PublishAsync("1");
        await feed.PublishAsync("2");
        await feed.CompleteAsync();

        var newest = await feed.GetNewestAsync(1).AsTask().WithPatience();

        Assert.Equal("2", Assert.Single(newest.Messages).Value);
        Assert.Empty(await ReadToEndAsync(feed, newest.Head));
    }

    [Fact]
    public async Task A_key_is_found_once_it_was_used_and_asking_makes_none()
    {
        await using var host = await StartAsync();
        var feeds = host.Feeds(NewName(), new FeedOptions());
        var count = host.Services.GetRequiredService<FeedRegistry>().Count;
        Assert.Null(await feeds.FindAsync("first").AsTask().WithPatience());
        Assert.Equal(count, host.Services.GetRequiredService<FeedRegistry>().Count);

        await feeds.Get("first").PublishAsync("1");

        var found = await feeds.FindAsync("first").AsTask().WithPatience();
        Assert.Equal(["1"], await ReadAsync(found!, FeedPosition.Earliest, 1));
        Assert.Null(await feeds.FindAsync("second").AsTask().WithPatience());
        await Assert.ThrowsAsync<ArgumentException>(async () => await feeds.FindAsync(""));
    }

    [Fact]
    public async Task A_key_that_was_only_asked_for_is_not_there_and_one_that_was_completed_is()
    {
        await using var host = await StartAsync();
        var feeds = host.Feeds(NewName(), new FeedOptions());
        using var ending = new CancellationTokenSource();
        await using var reader = feeds.Get("asked").ReadAsync(FeedPosition.Earliest, ending.Token).GetAsyncEnumerator(ending.Token);
        var next = reader.MoveNextAsync().AsTask(); // it is followed as long as this waits
        await feeds.Get("asked").GetNewestAsync(1).AsTask().WithPatience();
        await feeds.Get("completed").CompleteAsync().AsTask().WithPatience();

        Assert.Null(await feeds.FindAsync("asked").AsTask().WithPatience());
        Assert.NotNull(await feeds.FindAsync("completed").AsTask().WithPatience());

        await feeds.Get("asked").PublishAsync("1");
        Assert.True(await next.WithPatience());
        Assert.NotNull(await feeds.FindAsync("asked").AsTask().WithPatience());
    }

    [Fact]
    public async Task A_reader_may_start_at_the_newest_messages()
    {
        const int Retain = 20;
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions { Retain = Retain });
        Assert.Equal(0, (await StartAsync(feed, FeedStart.AtNewest(5))).Offset);
        var texts = Payloads.Numbers(0, 2 * Retain);
        var positions = new List<FeedPosition>();
        foreach (var text in texts)
        {
            positions.Add(await feed.PublishAsync(text));
        }
        var retained = await ReadAsync(feed, FeedPosition.Earliest, texts.Length, last: texts[^1]);

        foreach (var count in (int[])[1, Retain - 1, Retain, Retain + 1, texts.Length, int.MaxValue])
        {
            var start = await StartAsync(feed, FeedStart.AtNewest(count));
            Assert.Equal(
                retained[^Math.Min(count, retained.Count)..],
                await ReadAsync(feed, start, Math.Min(count, retained.Count), last: texts[^1]));
        }
        var now = await StartAsync(feed, FeedStart.AtNewest(0));
        await feed.PublishAsync("next");
        Assert.Equal(["next"], await ReadAsync(feed, now, 1));
    }

    [Fact]
    public async Task A_reader_may_start_at_a_time()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        var now = await StartAsync(feed, FeedStart.AtTime(DateTimeOffset.UtcNow));
        await feed.PublishAsync("1");
        await feed.PublishAsync("2");
        await Task.Delay(20); // both stores and clocks count milliseconds at least
        var third = (await feed.PublishAsync("3")).Offset;
        await Task.Delay(20);
        await feed.PublishAsync("4");
        var core = feed.Handle.Acquire();
        var entries = core.Tail.Copy(core.Tail.State.Start, 10)!;
        var at = entries.Single(entry => entry.Offset == third).At;

        Assert.Equal(["1", "2", "3", "4"], await ReadAsync(feed, now, 4));
        Assert.Equal(["3", "4"], await ReadAsync(feed, await StartAsync(feed, FeedStart.AtTime(at)), 2));
        Assert.Equal(["4"], await ReadAsync(feed, await StartAsync(feed, FeedStart.AtTime(at.AddTicks(1))), 1));
        foreach (var early in (DateTimeOffset[])[DateTimeOffset.MinValue, entries[0].At.AddHours(-1), entries[0].At])
        {
            Assert.Equal(["1", "2", "3", "4"], await ReadAsync(feed, await StartAsync(feed, FeedStart.AtTime(early)), 4));
        }
        foreach (var late in (DateTimeOffset[])[DateTimeOffset.MaxValue, DateTimeOffset.UtcNow.AddHours(1), entries[^1].At.AddTicks(1)])
        {
            var start = await StartAsync(feed, FeedStart.AtTime(late));
            Assert.Equal(
                (entries[^1].Offset, true),
                (Math.Min(start.Offset, entries[^1].Offset), start.Epoch == core.Tail.State.Head.Epoch));
        }
    }

    [Fact]
    public async Task A_start_in_the_past_of_a_completed_feed_leads_to_its_end()
    {
        await using var host = await StartAsync();
        var feed = host.Feed(NewName(), new FeedOptions());
        foreach (var text in Payloads.Numbers(1, 3))
        {
            await feed.PublishAsync(text);
        }
        await feed.CompleteAsync();

        Assert.Equal(["3"], await ReadToEndAsync(feed, await StartAsync(feed, FeedStart.AtNewest(1))));
        Assert.Empty(await ReadToEndAsync(feed, await StartAsync(feed, FeedStart.AtNewest(0))));
        Assert.Equal(["1", "2", "3"], await ReadToEndAsync(feed, await StartAsync(feed, FeedStart.AtTime(DateTimeOffset.MinValue))));
        Assert.Empty(await ReadToEndAsync(feed, await StartAsync(feed, FeedStart.AtTime(DateTimeOffset.UtcNow.AddDays(1)))));
    }

    /// <summary>The position at which a reader starts.</summary>
    private protected static async Task<FeedPosition> StartAsync(Feed<string> feed, FeedStart start)
    {
        var core = feed.Handle.Acquire();
        var reader = await FeedReader.StartAsync(core, start, TestContext.Current.CancellationToken).AsTask().WithPatience();
        Assert.True(reader.Recovered);
        return reader.Position;
    }

    /// <summary>The messages after a position, up to the completion.</summary>
    protected static async Task<List<string>> ReadToEndAsync(Feed<string> feed, FeedPosition? after)
    {
        var texts = new List<string>();
        using var deadline = new CancellationTokenSource(Eventually.Patience);
        await foreach (var message in feed.ReadAsync(after, deadline.Token))
        {
            texts.Add(message.Value);
        }
        return texts;
    }

    /// <summary>The next messages after a position: this many, or up to the last.</summary>
    protected static async Task<List<string>> ReadAsync(Feed<string> feed, FeedPosition? after, int count, string? last = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Eventually.Patience);
        var texts = new List<string>();
        try
        {
            await foreach (var message in feed.ReadAsync(after, deadline.Token))
            {
                texts.Add(message.Value);
                if (last is null ? texts.Count == count : message.Value == last)
                {
                    break;
                }
                deadline.CancelAfter(Eventually.Patience); // for each message anew: the publisher may be slow
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"The reader after {after} got {texts.Count} of {count} messages: {string.Join(' ', texts.TakeLast(20))}");
        }
        return texts;
    }
}
