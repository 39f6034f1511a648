using System.Globalization;
using System.Security.Claims;
using Comet.AspNetCore.Feeds;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using static Comet.AspNetCore.Tests.Hosting.NewsApp;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>Clients that take their bytes slowly: they end as soon as others, told or cut, whatever is on its way to them.</summary>
public class OverdueTests
{
    private const int Large = 8_000_000; // more than the system keeps for a connection
    private const int Small = 4_000;
    private const int Many = 3000; // small ones, in all more than that too

    private static readonly TimeSpan MaxAge = TimeSpan.FromSeconds(30);

    // A stream that waits by itself looks at the time so often: here a quarter of a second after it is due to end, and after one later.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Before = TimeSpan.FromMilliseconds(1250);

    private readonly ManualTime _time = new();
    private readonly ScriptedStore _store;

    public OverdueTests() => _store = new ScriptedStore { Time = _time };

    public static MatrixTheoryData<string, string> Streams =>
        new(["Direct", "Attached", "Portable", "Tls", "Http2"], ["/live", "/history", "/pages", "/sequence"]);

    [Theory, MemberData(nameof(Streams))]
    public Task A_client_that_does_not_take_what_is_written_is_cut_a_second_later(string wire, string path) =>
        AssertCutAsync(wire, path, "recycled");

    [Theory]
    [InlineData("/live")]
    [InlineData("/history")]
    [InlineData("/pages")]
    [InlineData("/sequence")]
    public Task One_whose_sign_in_has_expired_is_cut_as_soon(string path) => AssertCutAsync("Direct", path, "authentication-expired");

    private async Task AssertCutAsync(string wire, string path, string reason)
    {
        Store(path);
        await using var app = await StartAsync(wire, path, reason);
        using var meter = new RecordedMeter(app);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await StallAsync(app, client, path);

        await PassAsync(looks: 4, path);
        Assert.Equal(1, app.OpenStreams); // it may still be told
        await PassAsync(looks: 1, path);

        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();
        Assert.Contains("comet.end.reason=" + reason, Assert.Single(meter.Of("comet.stream.duration")).Tags);
    }

    [Theory]
    [InlineData("Direct", "/live")]
    [InlineData("Http2", "/live")]
    [InlineData("Direct", "/pages")]
    [InlineData("Http2", "/pages")]
    [InlineData("Direct", "/sequence")]
    [InlineData("Http2", "/sequence")]
    public async Task A_client_that_always_has_a_backlog_is_told_in_its_midst(string wire, string path)
    {
        Store(path);
        await using var app = await StartAsync(wire, path);
        using var client = app.CreateClient(receiveBuffer: 4096);
        await using var stream = await StallAsync(app, client, path, messages: 6); // each of which waits for the client

        await PassAsync(looks: 3, path);
        var received = await stream.RestAsync(); // and no more time passes

        Assert.Equal("recycled", received[^1].Reason);
        Assert.InRange(received.Count - 1, 1, path == "/pages" ? Many / 2 : 3);
        Assert.Equal(Numbers(1, received.Count - 1), received.SkipLast(1).Select(message => message.Value.GetString()!.TrimEnd()));
    }

    [Fact]
    public async Task The_time_that_the_store_takes_to_begin_counts()
    {
        _store.With(1000).BeforeRead = () =>
        {
            _time.Advance(MaxAge);
            return Task.CompletedTask;
        };
        await using var app = await StartAsync("Direct", "/history");
        await using var stream = await app.OpenAsync("/history", lastEventId: "earliest");

        Assert.Equal(CometMessageKind.Open, (await stream.NextAsync()).Kind);
        Assert.Equal("recycled", Assert.Single(await stream.RestAsync()).Reason);
    }

    [Fact]
    public async Task A_client_is_told_within_a_second_though_the_store_does_not_answer()
    {
        _store.With(1000).BeforeRead = () =>
        {
            _time.Advance(_store.Reads == 0 ? MaxAge - Before : TimeSpan.Zero);
            return _store.Reads < 2 ? Task.CompletedTask : new TaskCompletionSource().Task;
        };
        await using var app = await StartAsync("Direct", "/history");
        await using var stream = await app.OpenAsync("/history", lastEventId: "earliest");
        await stream.NextAsync(CometMessageKind.Open);
        Assert.Equal(512, (await stream.TakeAsync(512)).Count);

        await PassAsync(looks: 3, "/history");

        Assert.Equal("recycled", Assert.Single(await stream.RestAsync()).Reason); // and no more time passes
    }

    private static bool IsStored(string path) => path is "/history" or "/pages";

    private void Store(string path) => _store
        .With(path == "/history" ? [new string('x', Large)] : Numbers(1, Many).Select(static number => number.PadRight(Small)))
        .BeforeRead = () =>
        {
            _time.Advance(_store.Reads == 0 ? MaxAge - Before : TimeSpan.Zero);
            return Task.CompletedTask;
        };

    /// <summary>A client that reads nothing after the first message of a stream which is almost as old as it may be.</summary>
    private async Task<TestStream> StallAsync(TestApp app, HttpClient client, string path, int messages = 1)
    {
        var stream = await TestStream.OpenAsync(client, path, CometFormat.Ndjson, IsStored(path) ? "earliest" : null);
        await stream.NextAsync(CometMessageKind.Open);
        if (!IsStored(path))
        {
            _time.Advance(MaxAge - Before);
            await app.PublishAsync(Numbers(1, messages).Select(number => number.PadRight(Large)));
        }
        if (path == "/pages")
        {
            var reads = -1;
            await Eventually.HoldsAsync(
                async () =>
                {
                    (var last, reads) = (reads, _store.Reads);
                    await Task.Delay(200);
                    return last == _store.Reads;
                },
                "the system takes no more for the client");
        }
        if (path == "/live")
        {
            var lanes = app.Services.GetRequiredService<Lanes>();
            await Eventually.HoldsAsync(
                async () => (await lanes.ReportAsync()).Any(lane => lane.Readers.Exists(reader => reader.Connection.Waiting is not null)),
                "the write waits");
        }
        return stream;
    }

    // Lets time pass. A task that waits by itself has seen the time when it waits for its next look.
    private async Task PassAsync(int looks, string path)
    {
        for (var i = 0; i < looks; i++)
        {
            if (path != "/live")
            {
                await Eventually.HoldsAsync(() => _time.HasTimerIn(Look), "the write waits, or the reading");
            }
            _time.Advance(Look);
        }
    }

    private Task<TestApp> StartAsync(string wire, string path, string reason = "recycled") => TestApp.StartAsync(
        app =>
        {
            app.Use((context, next) =>
            {
                if (reason == "authentication-expired")
                {
                    var properties = new AuthenticationProperties { ExpiresUtc = _time.GetUtcNow() + MaxAge };
                    context.Features.Set<IAuthenticateResultFeature>(
                        new SignedIn(AuthenticateResult.Success(new(new ClaimsPrincipal(), properties, "test"))));
                }
                return next(context);
            });
            foreach (var path in (string[])["/live", "/history", "/pages"])
            {
                app.MapGet(path, (Feed<string> news) => CometResults.Feed(news, "parent.f"));
            }
            app.MapGet(
                "/sequence", (Feed<string> news) => CometResults.String(news.ReadAsync().Select(message => message.Value), "parent.f"));
        },
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton<IFeedStore>(_store);
            builder.Services.AddFeed<string>("news", feed => (feed.RetainBytes, feed.InMemory) = (100 * Large, !IsStored(path)));
            if (reason == "recycled")
            {
                builder.Configuration["Comet:MaxAge"] = MaxAge.ToString("c", CultureInfo.InvariantCulture);
            }
            builder.Configuration["Comet:WriteTimeout"] = "01:00:00";
            builder.Configuration["Comet:Heartbeat"] = "01:00:00";
        },
        Enum.Parse<Wire>(wire));

    private sealed record SignedIn(AuthenticateResult? AuthenticateResult) : IAuthenticateResultFeature
    {
        AuthenticateResult? IAuthenticateResultFeature.AuthenticateResult { get => AuthenticateResult; set { } }
    }
}
