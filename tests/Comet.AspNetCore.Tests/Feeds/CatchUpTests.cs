using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>A client whose position is older than what is in memory: it reads the store, and then follows.</summary>
public class CatchUpTests
{
    private readonly ScriptedStore _store = new();

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task History_comes_from_the_store_and_then_the_feed_goes_on(CometFormat format)
    {
        _store.With(1000);
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/", format, _store.IdOf(100));

        var open = await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.TakeAsync(900);
        await app.PublishAsync("1001");
        messages.AddRange(await stream.TakeAsync(1));

        Assert.Equal((_store.IdOf(100), true), (open.Id, open.Recovered));
        Assert.Equal(Numbers(101, 1001), messages.Select(message => message.Value.GetString()));
        Assert.Equal(Enumerable.Range(101, 901).Select(_store.IdOf), messages.Select(message => message.Id));
    }

    [Fact]
    public async Task What_is_published_meanwhile_follows_without_a_gap()
    {
        _store.With(1000);
        await using var app = await StartAsync();
        var published = 1000;
        _store.BeforeRead = async () => await app.PublishAsync(Numbers(published + 1, published += 10));
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.TakeAsync(1000);
        messages.AddRange(await stream.TakeAsync(published - 1000));

        Assert.Equal(Numbers(1, published), messages.Select(message => message.Value.GetString()));
        Assert.InRange(_store.Reads, 4, 10);
    }

    [Fact]
    public async Task What_the_store_has_before_the_tail_comes_once()
    {
        _store.With(300);
        await using var app = await StartAsync();
        Action? announce = null;
        _store.BeforeRead = () =>
        {
            announce ??= _store.StoreBeforeTail("301", "302");
            return Task.CompletedTask;
        };
        await using var stream = await app.OpenAsync("/", lastEventId: _store.IdOf(100));
        await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.TakeAsync(200);

        announce!();
        await app.PublishAsync("303");
        messages.AddRange(await stream.TakeAsync(3));

        Assert.Equal(Numbers(101, 303), messages.Select(message => message.Value.GetString()));
    }

    [Fact]
    public async Task Code_reads_history_as_clients_do()
    {
        _store.With(1000);
        await using var app = await StartAsync();
        var reading = app.News().ReadAsync(Parse(_store.IdOf(10))).Take(1000).ToListAsync().AsTask();

        await app.PublishAsync(Numbers(1001, 1010));

        Assert.Equal(Numbers(11, 1010), (await reading.WithPatience()).Select(message => message.Value));
    }

    [Fact]
    public async Task The_earliest_that_the_store_has_can_be_resumed_from()
    {
        _store.With(1000).Trim(400);
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        var open = await stream.NextAsync(CometMessageKind.Open);

        Assert.Equal((_store.IdOf(400), true), (open.Id, open.Recovered));
        Assert.Equal("401", await stream.NextStringAsync());
        await using var again = await app.OpenAsync("/", lastEventId: open.Id);
        Assert.True((await again.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal("401", await again.NextStringAsync());
    }

    [Fact]
    public async Task A_position_that_the_store_no_longer_has_is_lost()
    {
        _store.With(1000).Trim(400);
        await using var app = await StartAsync();
        await using var lost = await app.OpenAsync("/", lastEventId: _store.IdOf(399));
        await using var kept = await app.OpenAsync("/", lastEventId: _store.IdOf(400));

        Assert.False((await lost.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.True((await kept.NextAsync(CometMessageKind.Open)).Recovered);
        await app.PublishAsync("1001");
        Assert.Equal("1001", await lost.NextStringAsync());
        Assert.Equal("401", await kept.NextStringAsync());
    }

    [Fact]
    public async Task A_client_that_retention_overtakes_on_its_way_is_told_where_and_goes_on_live()
    {
        _store.With(1000);
        await using var app = await StartAsync();
        _store.BeforeRead = () =>
        {
            if (_store.Reads == 2)
            {
                _store.Trim(900);
            }
            return Task.CompletedTask;
        };
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(Numbers(1, 512), (await stream.TakeAsync(512)).Select(message => message.Value.GetString()));
        var lost = await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("1001");

        Assert.Equal((_store.IdOf(1000), false), (lost.Id, lost.Recovered));
        Assert.Equal("1001", await stream.NextStringAsync());
    }

    [Fact]
    public async Task A_log_that_begins_anew_is_told_to_every_client()
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("1");
        Assert.Equal("1", await stream.NextStringAsync());

        _store.BeginAnew("other");
        await app.PublishAsync("a", "b");

        // Whatever came before it was told is told as missed, and nothing after it is.
        var open = await stream.NextAsync(CometMessageKind.Open);
        Assert.False(open.Recovered);
        var (epoch, offset) = Parse(open.Id!);
        Assert.Equal("other", epoch);
        await app.PublishAsync("c");
        var next = await stream.NextAsync(CometMessageKind.Message);
        Assert.Equal("abc"[(int)(offset / ScriptedStore.Step)].ToString(), next.Value.GetString());
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.Ndjson)]
    public async Task A_log_that_begins_anew_while_a_client_comes_back_is_told_to_it(CometFormat format)
    {
        _store.With(10);
        await using var app = await StartAsync();
        await app.PublishAsync("11"); // the feed is open
        var asked = new FeedPosition(_store.Epoch, 12 * ScriptedStore.Step);
        _store.OnReach = () =>
        {
            // The client's position is in the tail again, though in another epoch.
            _store.BeginAnew("other");
            _store.Intrude("\"a\""u8.ToArray());
            _store.Advance(asked.Offset);
            _store.Intrude("\"b\""u8.ToArray());
            return true;
        };

        await using var stream = await app.OpenAsync("/", format, asked.ToString());
        var open = await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("c");

        Assert.False(open.Recovered);
        Assert.StartsWith("other-", open.Id, StringComparison.Ordinal);
        Assert.Equal("c", await stream.NextStringAsync());
    }

    [Fact]
    public async Task No_reader_goes_on_at_its_position_in_another_epoch()
    {
        _store.With(10);
        await using var app = await StartAsync();
        await app.PublishAsync("11"); // the feed is open
        var core = app.News().Handle.Acquire();
        var first = core.Tail.State.Generation;
        using var stop = new CancellationTokenSource();
        var resets = Task.Run(() =>
        {
            for (var generation = first + 1; !stop.IsCancellationRequested; generation++)
            {
                _store.BeginAnew(EpochOf(generation));
                for (var i = 0; i < 5; i++)
                {
                    _store.Intrude("1"u8.ToArray());
                }
            }
        });

        var resumed = 0;
        try
        {
            for (var i = 0; i < 100_000 || resumed == 0; i++)
            {
                var asked = new FeedPosition(EpochOf(i), 2 * ScriptedStore.Step);
                var reader = await FeedReader.StartAsync(core, asked, default);
                if (reader is { Recovered: true, HasStored: false })
                {
                    Assert.Equal(asked.Epoch, EpochOf(reader.Cursor.Generation));
                    resumed++;
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            await resets;
            core.Release();
        }

        static string EpochOf(int generation) => generation % 2 == 0 ? "even" : "odd";
    }

    [Fact]
    public async Task A_tail_that_missed_entries_is_told_to_every_client()
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        var id = (await app.PublishAsync("1")).Single();
        Assert.Equal("1", await stream.NextStringAsync());

        _store.MissInTail("2", "3");
        var open = await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("4");

        Assert.Equal((_store.IdOf(3), false), (open.Id, open.Recovered));
        Assert.Equal("4", await stream.NextStringAsync());
        await using var resumed = await app.OpenAsync("/", lastEventId: id); // and whoever comes back gets them
        Assert.True((await resumed.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(["2", "3", "4"], (await resumed.TakeAsync(3)).Select(message => message.Value.GetString()));
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags)]
    [InlineData(CometFormat.ServerSentEvents)]
    [InlineData(CometFormat.Ndjson)]
    public async Task Heartbeats_tell_a_position_that_has_moved_without_a_message(CometFormat format)
    {
        _store.With(2);
        await using var app = await StartAsync(new() { Heartbeat = TimeSpan.FromMilliseconds(250) });
        await using var stream = await app.OpenAsync("/", format);
        await stream.NextAsync(CometMessageKind.Open);
        Assert.Null((await stream.NextAsync(CometMessageKind.Heartbeat)).Id);

        _store.Advance(100);
        _store.Advance(50);

        Assert.Equal("scripted-100", await NextIdAsync());
        Assert.Equal("scripted-100", (await stream.NextAsync(CometMessageKind.Heartbeat)).Id);
        var id = (await app.PublishAsync("3")).Single();
        Assert.Equal(id, (await stream.UntilAsync(message => message.Kind == CometMessageKind.Message)).Id);
        Assert.Null((await stream.NextAsync(CometMessageKind.Heartbeat)).Id);
        await using var resumed = await app.OpenAsync("/", format, lastEventId: "scripted-100");
        Assert.True((await resumed.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal("3", (await resumed.NextAsync(CometMessageKind.Message)).Value.GetString());

        async Task<string> NextIdAsync()
        {
            while (true)
            {
                var next = await stream.NextAsync();
                if (next.Id is { } id && (next.Kind == CometMessageKind.Message || id == "scripted-100"))
                {
                    return id;
                }
            }
        }
    }

    [Fact]
    public async Task An_unavailable_store_is_no_error_of_the_server()
    {
        _store.IsUnavailable = true;
        await using var app = await StartAsync();

        using var rejected = await app.GetAsync("/");

        Assert.Equal(503, (int)rejected.StatusCode);
        Assert.InRange(rejected.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 6);
        Assert.Equal("The feed's history is unavailable right now. Try again later.", await rejected.Content.ReadAsStringAsync());
        Assert.False(rejected.Headers.Contains("Content-Security-Policy"));
        await Assert.ThrowsAsync<FeedUnavailableException>(async () => await app.PublishAsync("1"));
        Assert.Single(app.Log.Entries, entry => entry.EventId.Name == "FeedUnavailable");
        _store.IsUnavailable = false;
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);
        await app.PublishAsync("1");
        Assert.Equal("1", await stream.NextStringAsync());
    }

    [Fact]
    public async Task A_store_that_fails_while_a_client_catches_up_ends_its_stream_with_a_reason()
    {
        _store.With(1000);
        await using var app = await StartAsync();
        _store.BeforeRead = () =>
        {
            _store.IsUnavailable = _store.Reads == 2;
            return Task.CompletedTask;
        };
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        var messages = await stream.RestAsync();

        var end = messages[^1];
        messages.RemoveAt(messages.Count - 1);
        Assert.InRange(messages.Count, 256, 512);
        Assert.Equal(Numbers(1, messages.Count), messages.Select(message => message.Value.GetString()));
        Assert.Equal("error", end.Reason);
        Assert.NotNull(end.Retry);
        Assert.DoesNotContain("hunter2", end.Text);
        Assert.Single(app.Log.Entries, entry => entry.EventId.Name == "FeedUnavailable");
        _store.BeforeRead = () => Task.CompletedTask;
        _store.IsUnavailable = false;
        await using var back = await app.OpenAsync("/", lastEventId: messages[^1].Id);
        Assert.True((await back.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal(
            Numbers(messages.Count + 1, 1000),
            (await back.TakeAsync(1000 - messages.Count)).Select(message => message.Value.GetString()));
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task A_feed_may_stay_in_memory_whatever_the_store_is()
    {
        _store.IsUnavailable = true; // it cannot even be opened
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (Feed<string> news) => CometResults.Feed(news, "parent.f")),
            builder =>
            {
                builder.Services.AddSingleton<IFeedStore>(_store).AddFeed<string>("news", feed => feed.InMemory = true);
                builder.Services.AddFeed<int>("stored");
            });

        var ids = await app.PublishAsync("1", "2");
        await using var stream = await app.OpenAsync("/", lastEventId: ids[0]);

        Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal("2", await stream.NextStringAsync());
        await Assert.ThrowsAsync<FeedUnavailableException>(async () => await app.Services.GetRequiredService<Feed<int>>().PublishAsync(1));
    }

    [Fact]
    public async Task A_stream_that_is_due_to_end_does_not_catch_up_first()
    {
        _store.With(1000);
        var time = new ManualTime();
        await using var app = await NewsApp.StartAsync(
            configure: builder =>
            {
                builder.Services.AddSingleton<IFeedStore>(_store).AddSingleton<TimeProvider>(time);
                builder.Configuration["Comet:MaxAge"] = "00:00:30";
            });
        _store.BeforeRead = () =>
        {
            time.Advance(TimeSpan.FromSeconds(20));
            return Task.CompletedTask;
        };
        await using var stream = await app.OpenAsync("/?lastEventId=earliest");

        await stream.NextAsync(CometMessageKind.Open);
        var messages = await stream.RestAsync();

        Assert.Equal("recycled", messages[^1].Reason);
        Assert.InRange(messages.Count - 1, 256, 512);
        Assert.Equal(Numbers(1, messages.Count - 1), messages.SkipLast(1).Select(message => message.Value.GetString()));
    }

    [Fact]
    public async Task A_client_that_leaves_while_the_store_reads_leaves_nothing_behind()
    {
        _store.With(1000);
        var reading = new TaskCompletionSource();
        await using var app = await StartAsync();
        _store.BeforeRead = () =>
        {
            reading.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        var opening = app.OpenAsync("/?lastEventId=earliest");
        await reading.Task.WithPatience();

        app.Client.CancelPendingRequests();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task The_page_that_settles_the_start_is_the_first_that_is_sent()
    {
        _store.With(["long".PadRight(5_000_000)]); // more than is kept for others
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/", CometFormat.Ndjson, "earliest");

        await stream.NextAsync(CometMessageKind.Open);
        Assert.Equal("long", (await stream.NextStringAsync())!.TrimEnd());
        await app.PublishAsync("next");

        Assert.Equal("next", await stream.NextStringAsync());
        Assert.Equal(1, _store.Reads);
    }

    [Fact]
    public async Task Who_waits_for_what_only_the_store_has_yet_follows_the_feed()
    {
        _store.With(2);
        await using var app = await StartAsync(new() { Heartbeat = TimeSpan.FromMilliseconds(250) });
        await app.PublishAsync("3");
        _store.JoinAt(1000); // so that the tail does not know what follows an older position
        var announce = _store.StoreBeforeTail("4");

        await using var stream = await app.OpenAsync("/", lastEventId: _store.IdOf(3));
        await stream.NextAsync(CometMessageKind.Open);
        await stream.NextAsync(CometMessageKind.Heartbeat); // nobody sends it to a reader that asks the store again and again
        announce();

        Assert.Equal("4", (await stream.UntilAsync(message => message.Kind == CometMessageKind.Message)).Value.GetString());
    }

    [Fact]
    public async Task Code_that_has_read_history_leaves_nothing_of_it_behind()
    {
        _store.With(600);
        var time = new ManualTime();
        await using var app = await NewsApp.StartAsync(
            configure: builder => builder.Services.AddSingleton<IFeedStore>(_store).AddSingleton<TimeProvider>(time));
        await foreach (var message in app.News().ReadAsync(FeedPosition.Earliest))
        {
            if (message.Value == "600")
            {
                break;
            }
        }

        time.Advance(TimeSpan.FromSeconds(5));

        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return !_store.Payloads.Any(payload => payload.IsAlive);
            },
            "the pages are gone");
    }

    private Task<TestApp> StartAsync(CometStreamOptions? stream = null) =>
        NewsApp.StartAsync(stream: stream, configure: builder => builder.Services.AddSingleton<IFeedStore>(_store));
}
