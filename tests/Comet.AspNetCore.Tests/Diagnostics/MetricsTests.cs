using System.Collections.Concurrent;
using System.Diagnostics;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Diagnostics;

/// <summary>What the meter and the activity source say about streams that are known.</summary>
public class MetricsTests
{
    private static readonly Dictionary<string, string?> Units = new()
    {
        ["comet.stream.active"] = "{stream}",
        ["comet.stream.duration"] = "s",
        ["comet.stream.io"] = "By",
        ["comet.stream.lag"] = "{message}",
        ["comet.request.rejected"] = "{request}",
        ["comet.message.published"] = "{message}",
        ["comet.message.rejected"] = "{message}", // moves in StoredContentTests
        ["comet.message.delivered"] = "{message}",
        ["comet.message.delivery.duration"] = "s",
    };

    [Fact]
    public async Task Every_metric_moves()
    {
        await using var app = await StartAsync(
            feed: feed => feed.WhenSlow = SlowClientPolicy.Skip,
            configure: builder => builder.Configuration["Comet:WriteTimeout"] = "00:10:00"); // the slow one is not to be cut
        using var meter = new RecordedMeter(app);
        var before = Stopwatch.GetTimestamp();

        using var client = app.CreateClient(receiveBuffer: 4096);
        var slow = await TestStream.OpenAsync(client, "/", CometFormat.Ndjson, null);
        var fast = await app.OpenAsync("/", CometFormat.ServerSentEvents);
        await slow.NextAsync(CometMessageKind.Open);
        await fast.NextAsync(CometMessageKind.Open);
        Assert.Equal(1, meter.Sum("comet.stream.active", "comet.feed=news", "comet.format=ndjson"));
        Assert.Equal(1, meter.Sum("comet.stream.active", "comet.feed=news", "comet.format=sse"));
        for (var i = 0; i < 100; i++)
        {
            await app.PublishAsync(new string('x', 100_000));
            await fast.NextAsync(CometMessageKind.Message);
        }
        while (meter.Of("comet.stream.lag").Count == 0)
        {
            await slow.NextAsync(); // until the server can write to it again
        }
        await slow.DisposeAsync();
        await fast.DisposeAsync();
        await app.NoStreamIsOpenAsync();

        Assert.Equal(Units, meter.Instruments.ToDictionary(instrument => instrument.Name, instrument => instrument.Unit));
        Assert.All(meter.Instruments, instrument => Assert.EndsWith(".", instrument.Description));
        Assert.Equal(0, meter.Sum("comet.stream.active"));
        Assert.Equal(100, meter.Sum("comet.message.published", "comet.feed=news"));
        Assert.Equal(100, meter.Sum("comet.message.delivered", "comet.feed=news", "comet.format=sse"));
        Assert.InRange(meter.Sum("comet.message.delivered", "comet.feed=news", "comet.format=ndjson"), 1, 100);
        Assert.InRange(meter.Sum("comet.stream.io", "comet.feed=news", "comet.format=sse"), 100 * 100_000, 100 * 100_100);
        Assert.All(meter.Of("comet.stream.lag"), lag => Assert.InRange(lag.Value, 0, 100));
        var most = Stopwatch.GetElapsedTime(before).TotalSeconds;
        var durations = meter.Of("comet.stream.duration");
        Assert.Equal(2, durations.Count);
        Assert.All(durations, duration => Assert.Contains("comet.end.reason=client-disconnected", duration.Tags));
        Assert.All(durations, duration => Assert.InRange(duration.Value, 0, most));
        Assert.NotEmpty(meter.Of("comet.message.delivery.duration"));
        Assert.All(meter.Of("comet.message.delivery.duration"), delivery => Assert.InRange(delivery.Value, 0, most));
    }

    [Theory]
    [InlineData("/news?callback=alert", "bad-callback")]
    [InlineData("/news?lastEventId=x", "bad-id")]
    [InlineData("/news", "full")]
    public async Task A_rejected_request_counts_by_its_reason(string path, string reason)
    {
        await using var app = await StreamsAndPageAsync();
        using var meter = new RecordedMeter(app);
        await using var open = await app.OpenAsync("/news");

        using (await app.GetAsync(path))
        {
        }

        Assert.Equal([$"comet.rejection.reason={reason}"], Assert.Single(meter.Of("comet.request.rejected")).Tags);
    }

    [Theory]
    [InlineData("Direct")]
    [InlineData("Portable")]
    [InlineData("Http2")]
    public async Task Streams_are_not_in_the_durations_of_requests_and_their_activities_are_long_running(string wire)
    {
        var marks = new ConcurrentDictionary<string, object?>();
        await using var app = await StreamsAndPageAsync(marks, Enum.Parse<Wire>(wire));
        using var meter = new RecordedMeter(app, "Microsoft.AspNetCore.Hosting");

        foreach (var path in new[] { "/news", "/sequence" })
        {
            await using (var stream = await app.OpenAsync(path))
            {
                await stream.NextAsync(CometMessageKind.Open);
            }
            await app.NoStreamIsOpenAsync();
        }
        using (await app.GetAsync("/page"))
        {
        }
        using (await app.GetAsync("/news?lastEventId=x"))
        {
        }

        await Eventually.HoldsAsync(
            () => meter.Of("http.server.active_requests").Count == 8 && meter.Of("http.server.request.duration").Count >= 2,
            "all requests have ended");
        var durations = meter.Of("http.server.request.duration");
        var routes = durations.Select(
            duration => Assert.Single(duration.Tags, tag => tag.StartsWith("http.route=", StringComparison.Ordinal)));
        Assert.Equal(["http.route=/news", "http.route=/page"], routes.Order());
        Assert.Contains("http.response.status_code=400", durations.SelectMany(duration => duration.Tags));
        Assert.Equal("true", marks["/news"]);
        Assert.Equal("true", marks["/sequence"]);
        Assert.Null(marks["/page"]);
        Assert.Null(marks["/news?lastEventId=x"]);
    }

    private static Task<TestApp> StreamsAndPageAsync(
        ConcurrentDictionary<string, object?>? marks = null, Wire wire = Wire.Direct) => TestApp.StartAsync(
        app =>
        {
            app.Use(async (context, next) =>
            {
                await next(context);
                marks?.TryAdd(
                    context.Request.Path + context.Request.QueryString.Value,
                    context.Features.GetRequiredFeature<IHttpActivityFeature>().Activity.GetTagItem("http.long_running"));
            });
            app.MapGet("/news", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            app.MapGet("/sequence", (Feed<string> news) =>
                CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            app.MapGet("/page", () => "page");
        },
        builder =>
        {
            builder.Configuration["Comet:MaxStreams"] = "1";
            builder.Services.AddFeed<string>("news");
        },
        wire);

    [Fact]
    public async Task A_sequence_counts_without_a_feed()
    {
        await using var app = await TestApp.StartAsync(app => app.MapGet("/", () => CometResults.String(Three(), "parent.f")));
        using var meter = new RecordedMeter(app);

        await using var stream = await app.OpenAsync("/");
        await stream.RestAsync();
        await app.NoStreamIsOpenAsync();

        Assert.Equal(0, meter.Sum("comet.stream.active"));
        Assert.Equal(2, meter.Of("comet.stream.active").Count);
        Assert.Equal(3, meter.Sum("comet.message.delivered", "comet.format=script"));
        Assert.InRange(meter.Sum("comet.stream.io"), 1024, 4096);
        Assert.Contains("comet.end.reason=completed", Assert.Single(meter.Of("comet.stream.duration")).Tags);
        Assert.DoesNotContain(
            meter.Of("comet.stream.active").SelectMany(active => active.Tags),
            tag => tag.StartsWith("comet.feed", StringComparison.Ordinal));

        static async IAsyncEnumerable<string> Three()
        {
            await Task.Yield();
            yield return "1";
            yield return "2";
            yield return "3";
        }
    }

    [Fact]
    public async Task History_that_a_late_joiner_reads_says_nothing_about_how_long_delivery_takes()
    {
        await using var app = await StartAsync();
        await app.PublishAsync(Numbers(1, 100));
        using var meter = new RecordedMeter(app);
        var stream = await app.OpenAsync("/?lastEventId=earliest");
        await stream.NextAsync(CometMessageKind.Open);
        await stream.TakeAsync(100);

        await app.PublishAsync("live");
        await stream.NextAsync(CometMessageKind.Message);
        await stream.DisposeAsync();
        await app.NoStreamIsOpenAsync();

        Assert.Equal(101, meter.Sum("comet.message.delivered"));
        Assert.Single(meter.Of("comet.message.delivery.duration"));
    }

    [Fact]
    public async Task The_message_that_ends_the_last_stream_of_a_format_counts()
    {
        await using var app = await StartAsync(configure: builder => builder.Configuration["Comet:MaxBytes"] = "10000");
        using var meter = new RecordedMeter(app);
        await using var stream = await app.OpenAsync("/");
        await stream.NextAsync(CometMessageKind.Open);

        await app.PublishAsync(new string('x', 10_000));
        await stream.NextAsync(CometMessageKind.Message);
        Assert.Equal("recycled", (await stream.NextAsync(CometMessageKind.End)).Reason);
        await app.NoStreamIsOpenAsync();

        Assert.Equal(1, meter.Sum("comet.message.delivered"));
        Assert.InRange(meter.Sum("comet.stream.io"), 10_000, 14_000);
    }

    [Theory]
    [InlineData("/feed", "text/html")]
    [InlineData("/feed", "text/event-stream")]
    [InlineData("/feed", "application/x-ndjson")]
    [InlineData("/several", "text/html")]
    [InlineData("/several", "text/event-stream")]
    [InlineData("/several", "application/x-ndjson")]
    [InlineData("/sequence", "text/html")]
    public async Task Every_byte_of_a_body_counts(string path, string accept)
    {
        var time = new ManualTime();
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.MapGet("/feed", (Feed<string> news) => CometResults.Feed(news, "parent.f"));
                app.MapGet("/several", (Feed<string> news) => CometResults.Feeds([news], "parent.f"));
                app.MapGet("/sequence", (Feed<string> news) =>
                    CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
            },
            builder => builder.Services.AddSingleton<TimeProvider>(time).AddFeed<string>("news"));
        using var meter = new RecordedMeter(app);
        await using var connection = await app.ConnectAsync(path, "Accept: " + accept);
        var body = await connection.ReadChunkAsync();

        await app.PublishAsync("published");
        body += await ReadToAsync("published");
        time.Advance(TimeSpan.FromSeconds(15));
        body += await ReadToAsync("heartbeat");
        var stopping = app.StopAsync();
        body += await connection.ReadBodyAsync();
        await stopping.WithPatience();

        Assert.Contains("shutting-down", body);
        Assert.Equal(body!.Length, meter.Sum("comet.stream.io"));
        Assert.Equal(1, meter.Sum("comet.message.delivered"));

        async Task<string> ReadToAsync(string word)
        {
            var read = "";
            while (!read.Contains(word, StringComparison.Ordinal))
            {
                read += await connection.ReadChunkAsync();
            }
            return read;
        }
    }

    [Fact]
    public async Task A_family_counts_as_one_feed_whatever_its_keys()
    {
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/{room}", (string room, KeyedFeeds<string> rooms) => CometResults.Feed(rooms.Get(room), "parent.f")),
            builder => builder.Services.AddKeyedFeeds<string>("rooms"));
        using var meter = new RecordedMeter(app);
        var rooms = app.Services.GetRequiredService<KeyedFeeds<string>>();

        for (var i = 0; i < 10; i++)
        {
            await using var stream = await app.OpenAsync($"/secret{i}");
            await stream.NextAsync(CometMessageKind.Open);
            await rooms.Get($"secret{i}").PublishAsync("1");
            await stream.NextAsync(CometMessageKind.Message);
        }
        await app.NoStreamIsOpenAsync();

        Assert.Equal(10, meter.Sum("comet.message.published", "comet.feed=rooms"));
        Assert.Equal(10, meter.Sum("comet.message.delivered", "comet.feed=rooms"));
        Assert.DoesNotContain(
            Units.Keys.SelectMany(meter.Of).SelectMany(measurement => measurement.Tags),
            tag => tag.Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags, "script")]
    [InlineData(CometFormat.ServerSentEvents, "sse")]
    [InlineData(CometFormat.Ndjson, "ndjson")]
    public async Task A_stream_of_several_feeds_counts_once_and_each_message_for_its_feed(CometFormat format, string name)
    {
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (Feed<string> news, KeyedFeeds<int> rooms) =>
                CometResults.Feeds([news, rooms.Where(static _ => true)], "parent.f")),
            builder => builder.Services.AddFeed<string>("news").AddKeyedFeeds<int>("rooms"));
        using var meter = new RecordedMeter(app);
        var rooms = app.Services.GetRequiredService<KeyedFeeds<int>>();
        await app.PublishAsync("before");
        var stream = await app.OpenAsync("/?feed=earliest@news&feed=rooms/secret1&feed=rooms/secret2", format);
        for (var i = 0; i < 3; i++)
        {
            await stream.NextAsync(CometMessageKind.Open);
        }
        await stream.NextAsync(CometMessageKind.Message);
        Assert.Equal(1, meter.Sum("comet.stream.active", "comet.feed=news+rooms", $"comet.format={name}"));

        await app.PublishAsync("after");
        await rooms.Get("secret1").PublishAsync(1);
        await rooms.Get("secret2").PublishAsync(2);
        await stream.TakeAsync(3);
        await rooms.Get("secret1").CompleteAsync(TestContext.Current.CancellationToken);
        await stream.NextAsync(CometMessageKind.End);
        await stream.DisposeAsync();
        await app.NoStreamIsOpenAsync();

        Assert.Equal(0, meter.Sum("comet.stream.active", "comet.feed=news+rooms"));
        foreach (var metric in new[] { "comet.message.published", "comet.message.delivered" })
        {
            Assert.Equal(2, meter.Sum(metric, "comet.feed=news"));
            Assert.Equal(2, meter.Sum(metric, "comet.feed=rooms")); // a completion is no message
            Assert.Equal(4, meter.Sum(metric));
        }
        Assert.InRange(meter.Sum("comet.stream.io", "comet.feed=rooms"), 1, 2000);
        Assert.Contains("comet.feed=news+rooms", Assert.Single(meter.Of("comet.stream.duration")).Tags);
        var feeds = Units.Keys.SelectMany(meter.Of).SelectMany(static measurement => measurement.Tags)
            .Where(static tag => tag.StartsWith("comet.feed", StringComparison.Ordinal)).Distinct();
        Assert.Equal(["comet.feed=news", "comet.feed=news+rooms", "comet.feed=rooms"], feeds.Order());
    }

    [Fact]
    public async Task A_publish_and_a_stream_are_spans()
    {
        var name = "spans" + Guid.NewGuid().ToString("N"); // activity sources are the process's
        var ended = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Comet.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.DisplayName.EndsWith(name, StringComparison.Ordinal))
                {
                    ended.Enqueue(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/", (Feed<int> feed) => CometResults.Feed(feed, "parent.f")),
            builder => builder.Services.AddFeed<int>(name));
        await using (var stream = await app.OpenAsync("/"))
        {
            await stream.NextAsync(CometMessageKind.Open);
            await app.Services.GetRequiredService<Feed<int>>().PublishAsync(1);
            await stream.NextAsync(CometMessageKind.Message);
        }
        await Eventually.HoldsAsync(() => ended.Count == 2, "both spans end");

        var publish = Assert.Single(ended, activity => activity.DisplayName == "publish " + name);
        Assert.Equal(ActivityKind.Producer, publish.Kind);
        Assert.Equal(name, publish.GetTagItem("messaging.destination.name"));
        var read = Assert.Single(ended, activity => activity.DisplayName == "stream " + name);
        Assert.Equal((name, "script"), (read.GetTagItem("comet.feed"), read.GetTagItem("comet.format")));
    }
}
