using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>Families of feeds: one per key, while it is needed.</summary>
public class KeyedFeedTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Each_key_has_a_feed_of_its_own()
    {
        await using var app = await StartAsync();
        await using var first = await app.OpenAsync("/rooms/first");
        await using var second = await app.OpenAsync("/rooms/second");
        var firstId = (await first.NextAsync(CometMessageKind.Open)).Id;
        Assert.NotEqual(firstId, (await second.NextAsync(CometMessageKind.Open)).Id);

        await Rooms(app).Get("first").PublishAsync("for the first");
        await Rooms(app).Get("second").PublishAsync("for the second");

        Assert.Equal("for the first", await first.NextStringAsync());
        Assert.Equal("for the second", await second.NextStringAsync());
        Assert.Equal("rooms/first", Rooms(app).Get("first").Name);
    }

    [Fact]
    public async Task A_feed_disappears_when_nobody_reads_it_and_its_retention_has_passed()
    {
        await using var app = await StartAsync();
        var id = (await Rooms(app).Get("room").PublishAsync("1")).ToString();
        var stream = await app.OpenAsync("/rooms/room", lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        Assert.Equal("1", await stream.NextStringAsync());

        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(1, Count(app)); // it is read
        await Rooms(app).Get("room").PublishAsync("2");
        await stream.UntilAsync(message => message.Kind == CometMessageKind.Message);
        await stream.DisposeAsync();
        await app.NoStreamIsOpenAsync();
        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(1, Count(app)); // it is retained
        await DisappearsAsync(app);

        // Whoever comes back learns that this is another log.
        await using var back = await app.OpenAsync("/rooms/room", lastEventId: id);
        var open = await back.NextAsync(CometMessageKind.Open);
        Assert.False(open.Recovered);
        Assert.NotEqual(Parse(id).Epoch, Parse(open.Id!).Epoch);
    }

    [Fact]
    public async Task A_completed_key_begins_anew_when_its_retention_has_passed()
    {
        await using var app = await StartAsync();
        var room = Rooms(app).Get("room");
        var id = await room.PublishAsync("1");
        await room.CompleteAsync();

        _time.Advance(TimeSpan.FromSeconds(50));
        await Assert.ThrowsAsync<FeedCompletedException>(async () => await room.PublishAsync("2"));
        await DisappearsAsync(app);

        Assert.NotEqual(id.Epoch, (await room.PublishAsync("2")).Epoch);
    }

    [Fact]
    public async Task A_key_is_there_as_long_as_its_messages()
    {
        await using var app = await StartAsync();
        Assert.Null(await Rooms(app).FindAsync("room"));
        Assert.Equal(0, Count(app));

        await Rooms(app).Get("room").PublishAsync("1");
        _time.Advance(TimeSpan.FromSeconds(50));
        Assert.NotNull(await Rooms(app).FindAsync("room"));
        await DisappearsAsync(app);

        Assert.Null(await Rooms(app).FindAsync("room"));
    }

    [Fact]
    public async Task A_key_of_which_nothing_is_known_is_no_answer()
    {
        var store = new ScriptedStore { IsUnavailable = true };
        await using var app = await NewsApp.StartAsync(configure: builder =>
        {
            builder.Services.AddSingleton<IFeedStore>(store);
            builder.Services.AddKeyedFeeds<int>("rooms");
        });
        var rooms = app.Services.GetRequiredService<KeyedFeeds<int>>();

        await Assert.ThrowsAsync<FeedUnavailableException>(async () => await rooms.FindAsync("room"));
        store.IsUnavailable = false;
        Assert.Null(await rooms.FindAsync("room"));
        store.With(1);
        Assert.Equal("rooms/room", (await rooms.FindAsync("room"))!.Name);
    }

    [Fact]
    public async Task A_reader_in_code_keeps_its_feed()
    {
        await using var app = await StartAsync();
        var room = Rooms(app).Get("room");
        await room.PublishAsync("1");
        await using var reader = room.ReadAsync(FeedPosition.Earliest).GetAsyncEnumerator();
        Assert.True(await reader.MoveNextAsync());

        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, Count(app));
        await room.PublishAsync("2");
        Assert.True(await reader.MoveNextAsync());
        Assert.Equal("2", reader.Current.Value);
        await reader.DisposeAsync();
        await DisappearsAsync(app);
    }

    [Theory]
    [InlineData("GET", "lastEventId=malformed", "same-origin", 400)]
    [InlineData("GET", "callback=parent.eval", "same-origin", 400)]
    [InlineData("GET", "", "cross-site", 403)]
    [InlineData("HEAD", "", "same-origin", 200)]
    public async Task A_request_that_gets_no_stream_begins_no_feed(string method, string query, string site, int status)
    {
        await using var app = await StartAsync();
        using var request = app.Client.NewRequest("/rooms/any?" + query);
        request.Method = HttpMethod.Parse(method);
        request.Headers.Add("Sec-Fetch-Site", site);

        using var answer = await app.Client.SendAsync(request).WithPatience();

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(0, Count(app));
    }

    [Theory]
    [InlineData("Comet:MaxStreams", 503)]
    [InlineData("Comet:MaxStreamsPerAddress", 429)]
    public async Task A_request_for_which_there_is_no_room_begins_no_feed(string limit, int status)
    {
        await using var app = await StartAsync(builder => builder.Configuration[limit] = "1");
        await using var open = await app.OpenAsync("/rooms/first");
        await open.NextAsync(CometMessageKind.Open);

        using var answer = await app.GetAsync("/rooms/second");

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(1, Count(app));
    }

    [Fact]
    public async Task A_request_of_nobody_that_the_policy_admits_begins_no_feed()
    {
        await using var app = await StartAsync(
            builder =>
            {
                builder.Services.AddAuthentication().AddCookie();
                builder.Services.AddAuthorization(options => options.AddPolicy("editors", policy => policy.RequireRole("editor")));
            },
            policy: "editors");

        using var answer = await app.GetAsync("/rooms/any");

        Assert.Equal(401, (int)answer.StatusCode);
        Assert.Equal(0, Count(app));
    }

    [Fact]
    public async Task A_feed_of_a_store_leaves_the_memory_when_it_is_not_used_and_comes_back_with_all_that_is_stored()
    {
        var store = new ScriptedStore { Time = _time };
        await using var app = await StartAsync(builder => builder.Services.AddSingleton<IFeedStore>(store));
        var id = (await Rooms(app).Get("room").PublishAsync("1")).ToString();
        await Rooms(app).Get("room").PublishAsync("2");
        await using (var read = await app.OpenAsync("/rooms/room"))
        {
            await read.NextAsync(CometMessageKind.Open);
            _time.Advance(TimeSpan.FromSeconds(30));
            Assert.Equal(1, Count(app)); // it is read
        }
        await app.NoStreamIsOpenAsync();

        _time.Advance(TimeSpan.FromSeconds(6));
        _time.Advance(TimeSpan.FromSeconds(6)); // 42 s in all: less than what is retained
        await Eventually.HoldsAsync(() => Count(app) == 0, "the feed leaves the memory");

        await using var back = await app.OpenAsync("/rooms/room", lastEventId: id);
        Assert.True((await back.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.Equal("2", await back.NextStringAsync());
    }

    [Fact]
    public async Task A_feed_that_is_used_again_and_again_stays_open()
    {
        var store = new ScriptedStore { Time = _time };
        await using var app = await StartAsync(builder => builder.Services.AddSingleton<IFeedStore>(store));
        for (var i = 0; i < 20; i++)
        {
            await Rooms(app).Get("room").PublishAsync("1");
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.Equal(1, Count(app));
        }

        Assert.Equal(1, store.Openings);
    }

    [Fact]
    public async Task Reader_and_publisher_meet_though_feeds_disappear_all_the_time()
    {
        await using var app = await StartAsync();
        var meetings = Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                await using var reader = Rooms(app).Get($"room {worker % 2}").ReadAsync().GetAsyncEnumerator();
                var next = reader.MoveNextAsync().AsTask();
                await Rooms(app).Get($"room {worker % 2}").PublishAsync("1");
                try
                {
                    Assert.True(await next.WithPatience());
                }
                catch (FeedPositionLostException)
                {
                    // The minutes went by so fast that the message had expired: the reader was there to learn it.
                }
            }
        })));

        while (!meetings.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMinutes(2));
        }

        await meetings;
        await DisappearsAsync(app);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("\u0085")]
    public async Task A_key_is_text_on_one_line(string key)
    {
        await using var app = await StartAsync();

        Assert.Throws<ArgumentException>("key", () => Rooms(app).Get(key));
        Assert.Throws<ArgumentException>("key", () => Rooms(app).Get(new string('k', 201)));
        Assert.Equal("rooms/" + new string('k', 200), Rooms(app).Get(new string('k', 200)).Name);
    }

    private static KeyedFeeds<string> Rooms(TestApp app) => app.Services.GetRequiredService<KeyedFeeds<string>>();

    private static int Count(TestApp app) => app.Services.GetRequiredService<FeedRegistry>().Count;

    // The last reader leaves a moment after its response has ended.
    private Task DisappearsAsync(TestApp app) => Eventually.HoldsAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(20));
            return Count(app) == 0;
        },
        "the feed disappears");

    private Task<TestApp> StartAsync(Action<WebApplicationBuilder>? configure = null, string? policy = null) => TestApp.StartAsync(
        app => app.MapMethods(
            "/rooms/{room}", ["GET", "HEAD"], (string room, KeyedFeeds<string> rooms) => CometResults.Feed(rooms.Get(room), "parent.f")),
        builder =>
        {
            configure?.Invoke(builder);
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Services.AddKeyedFeeds<string>("rooms", feed =>
                (feed.RetainFor, feed.AuthorizationPolicy) = (TimeSpan.FromMinutes(1), policy));
        });
}
