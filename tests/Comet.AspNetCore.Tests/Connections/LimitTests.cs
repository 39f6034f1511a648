using System.Net;
using System.Security.Claims;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Tests.Connections;

/// <summary>How many streams there may be, and from where.</summary>
public class LimitTests
{
    [Theory]
    [InlineData("MaxStreams", "/?user=anna", 503, "The server has as many streams as it takes. Try again later.")]
    [InlineData("MaxStreamsPerAddress", "/", 429, "Too many streams are open for this user or address. Close one, or try again later.")]
    [InlineData(
        "MaxStreamsPerUser", "/?user=anna", 429, "Too many streams are open for this user or address. Close one, or try again later.")]
    public async Task One_more_is_rejected_until_another_has_ended(string limit, string path, int status, string message)
    {
        await using var app = await StartAsync((limit, "3"));
        var streams = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => app.OpenAsync(path)));
        Assert.Equal(3, app.OpenStreams);

        for (var i = 0; i < 3; i++) // a rejected request takes no place
        {
            await IsRejectedAsync(app, path, status, message);
        }
        await streams[0].DisposeAsync();

        await Eventually.HoldsAsync(() => app.OpenStreams == 2, "the stream ends");
        await using var next = await app.OpenAsync(path);
        Assert.Equal(HttpStatusCode.OK, next.Response.StatusCode);
        await IsRejectedAsync(app, path, status, message);
    }

    [Fact]
    public async Task What_one_limit_rejects_takes_no_place_of_another()
    {
        await using var app = await StartAsync(("MaxStreams", "1"), ("MaxStreamsPerAddress", "3"), ("MaxStreamsPerUser", "3"));
        await using var open = await app.OpenAsync("/?user=anna");

        for (var i = 0; i < 10; i++)
        {
            await IsRejectedAsync(app, "/?user=anna", 503, "The server has as many streams as it takes. Try again later.");
        }
    }

    [Fact]
    public async Task Each_user_has_a_limit_of_its_own_and_nobody_has_none()
    {
        await using var app = await StartAsync(("MaxStreamsPerUser", "1"));
        await using var anna = await app.OpenAsync("/?user=anna");
        await using var ben = await app.OpenAsync("/?user=ben");
        await using var nobody = await app.OpenAsync("/");
        await using var nobodyElse = await app.OpenAsync("/");

        Assert.All([anna, ben, nobody, nobodyElse], stream => Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode));
        await IsRejectedAsync(app, "/?user=ben", 429, "Too many streams are open for this user or address. Close one, or try again later.");
    }

    [Fact]
    public async Task A_user_with_a_subject_and_no_name_has_a_limit_too()
    {
        await using var app = await StartAsync(("MaxStreamsPerUser", "1"));
        await using var anna = await app.OpenAsync("/?subject=anna");
        await using var ben = await app.OpenAsync("/?subject=ben");

        Assert.Equal(HttpStatusCode.OK, ben.Response.StatusCode);
        await IsRejectedAsync(
            app, "/?subject=anna", 429, "Too many streams are open for this user or address. Close one, or try again later.");
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", "192.0.2.2")]
    [InlineData("::ffff:192.0.2.1", "::ffff:192.0.2.1", "::ffff:192.0.2.2")]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")] // a subscriber has a network of 64 bits
    public async Task Each_address_has_a_limit_of_its_own(string address, string same, string another)
    {
        await using var app = await StartAsync(("MaxStreamsPerAddress", "1"));
        await using var one = await app.OpenAsync("/?address=" + address);
        await using var other = await app.OpenAsync("/?address=" + another);

        Assert.Equal(HttpStatusCode.OK, other.Response.StatusCode);
        await IsRejectedAsync(
            app, "/?address=" + same, 429, "Too many streams are open for this user or address. Close one, or try again later.");
    }

    [Fact]
    public async Task A_signed_in_user_is_counted_as_the_user_whatever_the_address_has()
    {
        await using var app = await StartAsync(("MaxStreamsPerAddress", "1"), ("MaxStreamsPerUser", "2"));
        await using var nobody = await app.OpenAsync("/");
        await IsRejectedAsync(app, "/", 429, "Too many streams are open for this user or address. Close one, or try again later.");

        var streams = new List<TestStream>();
        foreach (var user in (string[])["anna", "ben", "anna", "ben"])
        {
            streams.Add(await app.OpenAsync("/?user=" + user));
        }

        Assert.All(streams, stream => Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode));
        await IsRejectedAsync(
            app, "/?user=anna", 429, "Too many streams are open for this user or address. Close one, or try again later.");
    }

    [Theory]
    [InlineData("192.0.2.", "192.0.3.1")]
    [InlineData("::ffff:192.0.2.", "192.0.3.1")]
    [InlineData("2001:db8:0:", "2001:db8:1::1")]
    public async Task A_network_takes_a_quarter_of_all_streams_at_most(string network, string another)
    {
        await using var app = await StartAsync(("MaxStreams", "12"), ("MaxStreamsPerAddress", "1"));
        var streams = new List<TestStream>();
        for (var i = 1; i <= 3; i++)
        {
            streams.Add(await app.OpenAsync($"/?address={AddressIn(network, i)}"));
        }
        Assert.All(streams, stream => Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode));

        for (var i = 0; i < 3; i++) // a rejected request takes no place
        {
            await IsRejectedAsync(
                app,
                $"/?address={AddressIn(network, 4)}",
                429,
                "Too many streams are open for this user or address. Close one, or try again later.");
        }
        await using var elsewhere = await app.OpenAsync("/?address=" + another);
        Assert.Equal(HttpStatusCode.OK, elsewhere.Response.StatusCode);

        await streams[0].DisposeAsync();
        await Eventually.HoldsAsync(() => app.OpenStreams == 3, "the stream ends");
        await using var next = await app.OpenAsync($"/?address={AddressIn(network, 4)}");
        Assert.Equal(HttpStatusCode.OK, next.Response.StatusCode);

        static string AddressIn(string network, int i) =>
            network.StartsWith("2001", StringComparison.Ordinal) ? $"{network}{i}::1" : network + i;
    }

    [Theory]
    [InlineData("/?started")]
    [InlineData("/?lastEventId=earliest")]
    public async Task A_stream_that_fails_to_open_takes_no_place(string path)
    {
        var store = new ScriptedStore().With(1000);
        store.BeforeRead = () => throw new InvalidTimeZoneException("The store is broken.");
        await using var app = await StartAsync(
            builder => builder.Services.AddSingleton<IFeedStore>(store),
            ("MaxStreams", "1"),
            ("MaxStreamsPerUser", "1"),
            ("MaxStreamsPerAddress", "1"));
        for (var i = 0; i < 3; i++)
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(async () =>
            {
                using var failed = await app.GetAsync(path + "&user=anna");
                failed.EnsureSuccessStatusCode();
                await failed.Content.ReadAsByteArrayAsync();
            });
            await app.NoStreamIsOpenAsync();
        }

        await using var stream = await app.OpenAsync("/?user=anna");

        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/policed")]
    [InlineData("GET", "/many?feed=policed&feed=rooms/1")]
    [InlineData("POST", "/many")]
    public async Task A_client_that_has_no_place_is_refused_before_a_form_is_read_or_anybody_is_asked_who_may_read(
        string method, string path)
    {
        var (asked, read, mayRead) = (0, 0L, true);
        await using var app = await TestApp.StartAsync(
            app =>
            {
                app.Use((context, next) =>
                {
                    context.Request.Body = new CountedBody(context.Request.Body, bytes => Interlocked.Add(ref read, bytes));
                    return next(context);
                });
                var (policed, rooms) = (app.Services.GetRequiredService<Feed<int>>(), app.Services.GetRequiredService<KeyedFeeds<int>>());
                app.MapGet("/policed", () => CometResults.Feed(policed, "parent.f"));
                app.MapMethods("/many", ["GET", "POST"], () => CometResults.Feeds([policed, rooms.Where(_ => Answer())], "parent.f"));
            },
            builder =>
            {
                builder.Configuration["Comet:MaxStreamsPerAddress"] = "1";
                builder.Services.AddFeed<int>("policed", feed => feed.AuthorizationPolicy = "asked");
                builder.Services.AddKeyedFeeds<int>("rooms");
                builder.Services.AddAuthentication();
                builder.Services.AddAuthorizationBuilder().AddPolicy("asked", policy => policy.RequireAssertion(_ => Answer()));
            });
        using var held = await SendAsync(app);
        Assert.Equal(HttpStatusCode.OK, held.StatusCode);
        Assert.True(asked > 0);
        Assert.Equal(method == "POST", read > 0);
        (asked, read) = (0, 0);

        for (var i = 0; i < 3; i++)
        {
            using var refused = await SendAsync(app);
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        }

        Assert.Equal((0, 0), (asked, read));
        held.Dispose();
        await app.NoStreamIsOpenAsync();
        mayRead = false;
        for (var i = 0; i < 3; i++) // who may not read gives the place back
        {
            using var refused = await SendAsync(app);
            Assert.InRange((int)refused.StatusCode, 401, 403);
            Assert.Equal(0, app.OpenStreams);
        }

        bool Answer()
        {
            Interlocked.Increment(ref asked);
            return mayRead;
        }

        async Task<HttpResponseMessage> SendAsync(TestApp app)
        {
            using var request = app.Client.NewRequest(path);
            if (method == "POST")
            {
                request.Method = HttpMethod.Post;
                request.Content = new FormUrlEncodedContent([new("feed", "policed"), new("feed", "rooms/1")]);
            }
            return await app.Client
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken)
                .WithPatience();
        }
    }

    [Theory]
    [InlineData("cross-site", 403)]
    [InlineData("same-site", 200)]
    [InlineData("same-origin", 200)]
    [InlineData("none", 200)]
    public async Task Pages_of_other_sites_are_rejected(string site, int status)
    {
        await using var app = await StartAsync();

        using var answer = await app.GetAsync("/", ("Sec-Fetch-Site", site));

        Assert.Equal(status, (int)answer.StatusCode);
        if (status == 403)
        {
            Assert.Equal(
                "This stream serves pages of its own site, and of origins that the CORS policy of its endpoint, or the app's " +
                "default one, allows.",
                await answer.Content.ReadAsStringAsync());
        }
    }

    public static TheoryData<string> Callbacks =>
    [
        "", "f", "parent", "parent.", "parent.eval", "parent.location", "parent.alert", "frameElement.remove", "frameElement.setAttribute",
        ".f", "parent..f", "parent.f.g", "window.f", "top.f", "parent.f()", "alert(1)//", "parent.f;alert(1)", "parent.1",
        "parent.class", "parent.f\r\nX: y", "parent.é", "parent.<script>", "parent['f']", " parent.f", "parent." + new string('f', 122),
    ];

    [Theory, MemberData(nameof(Callbacks))]
    public async Task A_function_that_a_request_may_not_name_is_rejected_with_a_message_that_does_not_repeat_it(string callback)
    {
        await using var app = await StartAsync();

        using var answer = await app.GetAsync("/?callback=" + Uri.EscapeDataString(callback));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString());
        Assert.Equal(
            "The callback must be this stream's own, or \"frameElement.\" and a name that no frame has by itself, " +
            "at most 128 characters in all.",
            await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Two_functions_are_rejected_and_so_is_one_too_long_for_a_request()
    {
        await using var app = await StartAsync();
        using var two = await app.GetAsync("/?callback=parent.f&callback=parent.g");
        using var tooLong = await app.GetAsync("/?callback=parent." + new string('f', 10_000));

        Assert.Equal(400, (int)two.StatusCode);
        Assert.Equal(414, (int)tooLong.StatusCode); // by Kestrel, whose limit for the request line is 8 KB
    }

    private static Task<TestApp> StartAsync(params (string Name, string Value)[] limits) => StartAsync(_ => { }, limits);

    private static Task<TestApp> StartAsync(Action<WebApplicationBuilder> configure, params (string Name, string Value)[] limits) =>
        NewsApp.StartAsync(configure: builder =>
    {
        configure(builder);
        builder.Services.AddTransient<IStartupFilter, Pretence>();
        foreach (var (name, value) in limits)
        {
            builder.Configuration["Comet:" + name] = value;
        }
    });

    private static async Task IsRejectedAsync(TestApp app, string path, int status, string message)
    {
        using var rejected = await app.GetAsync(path);
        Assert.Equal(status, (int)rejected.StatusCode);
        Assert.InRange(rejected.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 6);
        Assert.Equal(message, await rejected.Content.ReadAsStringAsync());
    }

    /// <summary>Counts the bytes that are read of a body.</summary>
    private sealed class CountedBody(Stream body, Action<int> read) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await body.ReadAsync(buffer, cancellationToken);
            read(count);
            return count;
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }

    /// <summary>Makes a request somebody's, or from somewhere.</summary>
    private sealed class Pretence : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, next) =>
            {
                if (context.Request.Query.TryGetValue("user", out var user))
                {
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user!)], "test"));
                }
                if (context.Request.Query.TryGetValue("subject", out var subject))
                {
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim("sub", subject!)], "test"));
                }
                if (context.Request.Query.TryGetValue("address", out var address))
                {
                    context.Connection.RemoteIpAddress = IPAddress.Parse(address!);
                }
                if (context.Request.Query.ContainsKey("started"))
                {
                    await context.Response.StartAsync(); // nobody can set headers any more
                }
                await next(context);
            });
            next(app);
        };
    }
}
