using System.Net;
using System.Text.RegularExpressions;
using Comet.AspNetCore.Testing;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Feeds;

/// <summary>What a client sees of a stream of several feeds.</summary>
public class SeveralFeedsTests
{
    public static TheoryData<CometFormat> Formats => [.. Enum.GetValues<CometFormat>()];

    [Theory]
    [InlineData("text/html", """
        <script nonce="N">comet("open",{"feed":"a","id":"A-0","heartbeat":15000});</script>
        <script nonce="N">comet("open",{"feed":"b","id":"B-0"});</script>
        <script nonce="N">parent.f("one","A-1","a");</script>
        <script nonce="N">parent.f(2,"B-1","b");</script>
        """)]
    [InlineData("text/event-stream", """
        : comet

        event: comet
        data: {"type":"open","feed":"a","id":"A-0","heartbeat":15000}

        id: A-0.B-0
        event: comet
        data: {"type":"open","feed":"b","id":"B-0"}

        id: B-0.A-1
        event: a
        data: "one"

        id: A-1.B-1
        event: b
        data: 2

        """)]
    [InlineData("application/x-ndjson", """
        {"type":"open","feed":"a","id":"A-0","heartbeat":15000}
        {"type":"open","feed":"b","id":"B-0"}
        {"type":"message","feed":"a","id":"A-1","data":"one"}
        {"type":"message","feed":"b","id":"B-1","data":2}
        """)]
    public async Task Messages_name_their_feed(string accept, string expected)
    {
        await using var app = await StartAsync();
        using var request = app.Client.NewRequest("/both");
        request.Headers.Add("Accept", accept);
        using var deadline = new Deadline();
        using var response = await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, deadline.Token);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(deadline.Token));
        var text = "";
        var buffer = new char[4096];
        var a = await A(app).PublishAsync("one");
        await ReadUntilAsync(",\"a\");</script>", "data: \"one\"\n\n", "\"data\":\"one\"}\n");
        var b = await B(app).PublishAsync(2);
        await ReadUntilAsync(",\"b\");</script>", "data: 2\n\n", "\"data\":2}\n");

        text = text.Replace(a.Epoch, "A").Replace(b.Epoch, "B").Replace("</script>", "</script>\n");
        text = Regex.Replace(Regex.Replace(text, "<!DOCTYPE.*<body>", "", RegexOptions.Singleline), "nonce=\"[^\"]*\"", "nonce=\"N\"");
        Assert.Equal(Sorted(expected), Sorted(text));

        async Task ReadUntilAsync(params string[] ends)
        {
            while (!ends.Any(text.Contains))
            {
                text += new string(buffer, 0, await reader.ReadAsync(buffer, deadline.Token));
            }
        }
    }

    // The epochs are random, and so is their order in a position.
    private static string Sorted(string text) => string.Join(
        '\n',
        text.Trim().ReplaceLineEndings("\n").Split('\n').Select(static line => line.StartsWith("id: ", StringComparison.Ordinal)
            ? "id: " + string.Join('.', line[4..].Split('.').Order())
            : line));

    [Theory, MemberData(nameof(Formats))]
    public async Task A_request_chooses_by_name(CometFormat format)
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/both?feed=b&feed=rooms%2F4%20%26%202", format);
        Assert.Equal("b", (await stream.NextAsync(CometMessageKind.Open)).Feed);
        Assert.Equal("rooms/4 & 2", (await stream.NextAsync(CometMessageKind.Open)).Feed);

        await A(app).PublishAsync("not asked for");
        await Rooms(app).Get("4 & 2").PublishAsync("hello");
        await B(app).PublishAsync(3);

        var messages = await stream.TakeAsync(2);
        Assert.Equal(["b", "rooms/4 & 2"], messages.Select(static message => message.Feed!).Order());
    }

    [Theory]
    [InlineData("feed=c")]
    [InlineData("feed=a&feed=a")]
    [InlineData("feed=")]
    [InlineData("feed=rooms")]
    [InlineData("feed=rooms/")]
    [InlineData("feed=A")]
    [InlineData("feed=x-1-2@a")]
    [InlineData("feed=@a")]
    [InlineData("feed=a/")]
    public async Task A_name_that_the_stream_does_not_offer_is_refused(string query)
    {
        await using var app = await StartAsync();
        using var response = await app.GetAsync("/both?" + query);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("This stream has no feed", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task Each_feed_resumes_after_its_own_position(CometFormat format)
    {
        await using var app = await StartAsync();
        var a = await A(app).PublishAsync("1");
        await A(app).PublishAsync("2");
        var b = await B(app).PublishAsync(1);
        await using var stream = await app.OpenAsync($"/both?feed={a}@a&feed={b}@b&feed=earliest@rooms/1", format);

        for (var i = 0; i < 3; i++)
        {
            Assert.True((await stream.NextAsync(CometMessageKind.Open)).Recovered);
        }
        Assert.Equal("2", (await stream.NextAsync(CometMessageKind.Message)).Value.GetString());
        await B(app).PublishAsync(2);
        Assert.Equal(("b", 2), Read(await stream.NextAsync(CometMessageKind.Message)));

        static (string?, int) Read(CometMessage message) => (message.Feed, message.Value.GetInt32());
    }

    [Fact]
    public async Task One_position_resumes_all_feeds_of_an_EventSource()
    {
        await using var app = await StartAsync();
        await A(app).PublishAsync("1");
        string last;
        await using (var stream = await app.OpenAsync("/both", CometFormat.ServerSentEvents))
        {
            await stream.NextAsync(CometMessageKind.Open);
            await stream.NextAsync(CometMessageKind.Open);
            await A(app).PublishAsync("2");
            await stream.NextAsync(CometMessageKind.Message);
            await B(app).PublishAsync(1);
            last = (await stream.NextAsync(CometMessageKind.Message)).LastEventId!;
        }
        await A(app).PublishAsync("3");
        await B(app).PublishAsync(2);
        await B(app).PublishAsync(3);

        await using var again = await app.OpenAsync("/both", CometFormat.ServerSentEvents, last);

        Assert.True((await again.NextAsync(CometMessageKind.Open)).Recovered);
        Assert.True((await again.NextAsync(CometMessageKind.Open)).Recovered);
        var messages = await again.TakeAsync(3);
        Assert.Equal(["\"3\""], messages.Where(static message => message.Feed == "a").Select(static message => message.Text));
        Assert.Equal(["2", "3"], messages.Where(static message => message.Feed == "b").Select(static message => message.Text));
    }

    [Theory]
    [InlineData(CometFormat.ScriptTags, 101)]
    [InlineData(CometFormat.ServerSentEvents, 101)]
    [InlineData(CometFormat.Ndjson, 1001)]
    public async Task More_feeds_than_a_stream_carries_are_refused(CometFormat format, int count)
    {
        await using var app = await StartAsync();
        using var refused = await PostAsync(app, format, Keys(count));
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.StartsWith("A stream carries 1000 feeds", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        using var accepted = await PostAsync(app, format, Keys(count - 1));
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
    }

    [Fact]
    public async Task A_thousand_keys_come_by_POST_and_resume_after_a_cut()
    {
        const int Count = 1000;
        await using var app = await StartAsync();
        var positions = new Dictionary<string, string>();
        using (var response = await PostAsync(app, CometFormat.Ndjson, Keys(Count)))
        {
            await using var messages = CometReader.ReadAsync(response, TestContext.Current.CancellationToken)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken);
            while (positions.Count < Count && await messages.MoveNextAsync())
            {
                positions[messages.Current.Feed!] = messages.Current.Id!;
            }
            for (var i = 0; i < Count; i += 10)
            {
                var id = await Rooms(app).Get($"{i}").PublishAsync("first");
                Assert.True(await messages.MoveNextAsync());
                Assert.Equal(($"rooms/{i}", $"{id}"), (messages.Current.Feed, messages.Current.Id));
                positions[messages.Current.Feed!] = messages.Current.Id!;
            }
        }
        for (var i = 0; i < Count; i += 5)
        {
            await Rooms(app).Get($"{i}").PublishAsync("second");
        }

        using var again = await PostAsync(app, CometFormat.Ndjson, positions.Select(static entry => $"{entry.Value}@{entry.Key}"));

        var missed = new List<CometMessage>();
        await foreach (var message in CometReader.ReadAsync(again, TestContext.Current.CancellationToken))
        {
            Assert.NotEqual(false, message.Recovered);
            if (message.Kind == CometMessageKind.Message)
            {
                missed.Add(message);
            }
            if (missed.Count == Count / 5)
            {
                break;
            }
        }
        Assert.All(missed, static message => Assert.Equal("second", message.Value.GetString()));
        Assert.Equal(Count / 5, missed.Select(static message => message.Feed).Distinct().Count());
    }

    [Fact]
    public async Task An_open_stream_keeps_nothing_of_the_form_that_named_its_feeds()
    {
        WeakReference? form = null;
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.Use(async (context, next) =>
                {
                    form = new WeakReference(await context.Request.ReadFormAsync());
                    await next(context);
                });
                app.MapPost("/both", (KeyedFeeds<string> rooms) => CometResults.Feeds([rooms.Where(static _ => true)], "parent.f"));
            },
            static builder => builder.Services.AddKeyedFeeds<string>("rooms"));

        using var response = await PostAsync(app, CometFormat.Ndjson, Keys(1000));

        response.EnsureSuccessStatusCode();
        await Eventually.HoldsAsync(
            () =>
            {
                GC.Collect();
                return !form!.IsAlive;
            },
            "the form is collected");
        Assert.Equal(1, app.OpenStreams);
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task What_the_user_may_not_read_is_left_out_and_said(CometFormat format)
    {
        await using var app = await StartAsync();
        await using var stream = await app.OpenAsync("/both?feed=a&feed=rooms/secret", format);

        Assert.Equal("a", (await stream.NextAsync(CometMessageKind.Open)).Feed);
        var refused = await stream.NextAsync(CometMessageKind.End);
        Assert.Equal(("rooms/secret", "not-allowed", null), (refused.Feed, refused.Reason, refused.Retry));
        await Rooms(app).Get("secret").PublishAsync("not for you");
        await A(app).PublishAsync("for you");
        Assert.Equal("for you", await stream.NextStringAsync());

        using var nothing = await app.GetAsync("/both?feed=rooms/secret");
        Assert.Equal(HttpStatusCode.Forbidden, nothing.StatusCode);
    }

    [Fact]
    public async Task Who_may_read_a_key_may_be_asked_of_a_database_until_the_client_goes_away()
    {
        var (asked, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        await using var app = await TestApp.StartAsync(
            app => app.MapGet("/both", (KeyedFeeds<string> rooms) => CometResults.Feeds([rooms.Where(MayReadAsync)], "parent.f")),
            static builder => builder.Services.AddKeyedFeeds<string>("rooms"));

        await using (var stream = await app.OpenAsync("/both?feed=rooms/1&feed=rooms/secret"))
        {
            Assert.Equal("rooms/1", (await stream.NextAsync(CometMessageKind.Open)).Feed);
            var end = await stream.NextAsync(CometMessageKind.End);
            Assert.Equal(("rooms/secret", "not-allowed"), (end.Feed, end.Reason));
        }
        await app.NoStreamIsOpenAsync();
        using var leaving = new CancellationTokenSource();
        var request = app.Client.GetAsync("/both?feed=rooms/slow", leaving.Token);
        await asked.Task.WithPatience();
        Assert.Equal(1, app.OpenStreams); // it has its place already
        await leaving.CancelAsync();

        await gone.Task.WithPatience();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
        await app.NoStreamIsOpenAsync();
        await app.StopWithoutErrorAsync();

        async ValueTask<bool> MayReadAsync(string key, CancellationToken cancellationToken)
        {
            await Task.Yield();
            if (key == "slow")
            {
                using var registration = cancellationToken.Register(gone.SetResult);
                asked.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }
            return key != "secret";
        }
    }

    [Fact]
    public async Task Families_have_to_be_named()
    {
        await using var app = await StartAsync();
        using var response = await app.GetAsync("/rooms");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.StartsWith("Name the feeds", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory, MemberData(nameof(Formats))]
    public async Task A_log_that_began_anew_is_told_by_the_name_of_its_feed(CometFormat format)
    {
        await using var app = await StartAsync();
        var a = await A(app).PublishAsync("1");
        await using var stream = await app.OpenAsync($"/both?feed={a}@a&feed=other-7@b", format);

        var (first, second) = (await stream.NextAsync(CometMessageKind.Open), await stream.NextAsync(CometMessageKind.Open));
        Assert.Equal(("a", true), (first.Feed, first.Recovered));
        Assert.Equal(("b", false), (second.Feed, second.Recovered));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded; charset=utf-7", 415)]
    [InlineData("application/x-www-form-urlencoded; charset=utf-16", 415)]
    [InlineData("application/x-www-form-urlencoded; charset=none", 415)]
    [InlineData("Application/X-WWW-Form-Urlencoded; charset=\"UTF-8\"", 200)]
    public async Task A_form_is_in_UTF8(string type, int status)
    {
        await using var app = await StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/both?wait=0")
        {
            Content = new ByteArrayContent("feed=a"u8.ToArray()),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);

        using var response = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        await app.StopWithoutErrorAsync();
    }

    [Fact]
    public async Task A_body_that_is_no_form_is_refused()
    {
        await using var app = await StartAsync();
        using var json = await app.Client.PostAsync(
            "/both", new StringContent("{}", System.Text.Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);
        using var parts = await app.Client.PostAsync(
            "/both", new MultipartFormDataContent { { new StringContent("a"), "feed" } }, TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/both")
        {
            Content = new FormUrlEncodedContent([KeyValuePair.Create("feed", new string('a', 1024 * 1024))]),
            Headers = { ExpectContinue = true }, // the server closes the connection while such a body is sent
        };
        using var large = await app.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(
            [HttpStatusCode.UnsupportedMediaType, HttpStatusCode.UnsupportedMediaType, HttpStatusCode.RequestEntityTooLarge],
            new[] { json.StatusCode, parts.StatusCode, large.StatusCode });
    }

    [Theory]
    [InlineData("a-0.a-1")]
    [InlineData("a-0~x-")]
    [InlineData("a-0~-1")]
    [InlineData("a-0..b-1")]
    [InlineData("~a-0")]
    public async Task A_position_that_is_none_is_refused(string position)
    {
        await using var app = await StartAsync();
        using var response = await app.GetAsync("/both", ("Last-Event-ID", position));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        using var tooLong = await app.GetAsync(
            "/both", ("Last-Event-ID", string.Join('.', Enumerable.Range(0, 201).Select(static i => $"e{i}-0"))));
        Assert.Equal(HttpStatusCode.BadRequest, tooLong.StatusCode);
    }

    private static Feed<string> A(TestApp app) => app.Services.GetRequiredKeyedService<Feed<string>>("a");

    private static Feed<int> B(TestApp app) => app.Services.GetRequiredKeyedService<Feed<int>>("b");

    private static KeyedFeeds<string> Rooms(TestApp app) => app.Services.GetRequiredService<KeyedFeeds<string>>();

    private static IEnumerable<string> Keys(int count) => Enumerable.Range(0, count).Select(static i => $"rooms/{i}");

    private static async Task<HttpResponseMessage> PostAsync(TestApp app, CometFormat format, IEnumerable<string> feeds)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/both")
        {
            Content = new FormUrlEncodedContent(feeds.Select(static feed => KeyValuePair.Create("feed", feed))),
        };
        request.Headers.Add("Accept", MediaTypes.Of(format));
        return await app.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    private static Task<TestApp> StartAsync() => TestApp.StartAsync(
        app =>
        {
            var (a, b, rooms) = (
                app.Services.GetRequiredKeyedService<Feed<string>>("a"),
                app.Services.GetRequiredKeyedService<Feed<int>>("b"),
                app.Services.GetRequiredService<KeyedFeeds<string>>());
            app.MapMethods(
                "/both", ["GET", "POST"], () => CometResults.Feeds([a, b, rooms.Where(static key => key != "secret")], "parent.f"));
            app.MapGet("/rooms", () => CometResults.Feeds([rooms.Where(static _ => true)], "parent.f"));
        },
        static builder =>
        {
            builder.Services.AddFeed<string>("a");
            builder.Services.AddFeed<int>("b");
            builder.Services.AddKeyedFeeds<string>("rooms");
        });
}
