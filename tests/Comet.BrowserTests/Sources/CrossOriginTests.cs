using Comet.BrowserTests.Browsers;
using Comet.BrowserTests.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace Comet.BrowserTests.Sources;

/// <summary>A page of one site that reads the streams of another one, where that one's CORS policy allows it.</summary>
[Trait("Category", "Matrix")]
public class CrossOriginTests(TestBrowsers browsers)
{
    private const string Cookie = "anna";
    private static readonly string OpenPage =
        "/test/policed?policy=" + Uri.EscapeDataString("default-src 'self'; connect-src *; frame-src *");

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task It_is_refused_where_nothing_allows_it(BrowserKind kind)
    {
        await using var pages = new Site();
        await using var streams = new Site(Allow("https://other.example"));

        var reader = await OpenAsync(await browsers.OpenTabAsync(kind), pages, streams, News.Stream);
        await reader.WaitForEventAsync("reconnecting");

        Assert.Equal(["reconnecting", "error"], (await reader.EventTypesAsync()).Take(2));
        Assert.Equal(0, streams.OpenStreams());
        await reader.Page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, "fetch", false)]
    [InlineData(BrowserKind.Chromium, "fetch", true)]
    [InlineData(BrowserKind.Chromium, "poll", false)]
    [InlineData(BrowserKind.Firefox, "fetch", false)]
    public async Task Of_an_allowed_origin_it_reads_and_goes_on_after_a_break(BrowserKind kind, string transport, bool shared)
    {
        await using var pages = new Site();
        await using var streams = new Site(Allow(OriginOf(pages)));
        await using var network = new TcpProxy(streams.Url);

        var page = await browsers.OpenTabAsync(kind);
        var reader = await OpenAsync(page, pages, network.Url + News.Stream, new { transport, shared, from = "earliest" });
        await reader.WaitForEventAsync("open");
        await streams.PublishAsync("1");
        await reader.WaitForMessagesAsync(1);
        await Eventually.HoldsAsync(
            async () =>
            {
                network.Cut(); // again, if it was between two polls
                return (await reader.EventTypesAsync()).Contains("reconnecting");
            },
            "a break that is told");
        await streams.PublishAsync("2");
        await reader.WaitForMessagesAsync(2);

        Assert.Equal(["1", "2"], (await reader.ValuesAsync<News>()).Select(news => news.Text));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium)]
    [InlineData(BrowserKind.Firefox)]
    public async Task Headers_are_asked_for_beforehand_and_arrive(BrowserKind kind)
    {
        await using var pages = new Site();
        await using var streams = new Site(Allow(OriginOf(pages)));

        var page = await browsers.OpenTabAsync(kind);
        var reader = await OpenAsync(
            page, pages, streams.Url + "/test/streams/authorization", new { headers = new { Authorization = "Bearer a" } });
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["Bearer a"], await reader.ValuesAsync<string>());
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_set_of_feeds_that_no_URL_holds_is_posted()
    {
        await using var pages = new Site();
        await using var streams = new Site(Allow(OriginOf(pages)));

        var page = await browsers.OpenTabAsync();
        var reader = await OpenAsync(page, pages, streams.Url + Desk.Stream, new { feeds = LongSetTests.Names });
        await reader.WaitForEventAsync("open");
        await streams.Desk.Room(LongSetTests.KeyOf(0)).PublishAsync(new("1"));
        await reader.WaitForMessagesAsync(1);

        Assert.Equal(["1"], (await reader.ValuesAsync<Desk.Line>()).Select(line => line.Text));
        await page.CloseAsync();
    }

    // Another origin of the same site: what browsers do with the cookies of other sites differs.
    [Theory]
    [InlineData(true, "message 1")]
    [InlineData(false, "closed 2")]
    public async Task With_credentials_it_reads_as_its_user(bool withCredentials, string told)
    {
        await using var pages = new Site();
        await using var streams = new Site(services =>
        {
            SignIn.AddByCookie(services);
            Allow(OriginOf(pages))(services);
        });

        var page = await browsers.OpenTabAsync();
        await page.Context.AddCookiesAsync([new() { Name = SignIn.Cookie, Value = Cookie, Url = OriginOf(streams) }]);
        var reader = await OpenAsync(page, pages, OriginOf(streams) + "/test/streams/mine", new { withCredentials });
        await page.WaitForFunctionAsync("told => reader.told.includes(told)", told);

        Assert.Equal(withCredentials ? [Cookie] : [], (await reader.ValuesAsync<string>()).Take(1));
        await page.CloseAsync();
    }

    [Theory]
    [InlineData(BrowserKind.Chromium, "/test/streams/framed", true)]
    [InlineData(BrowserKind.Chromium, "/test/streams/numbers/3", false)]
    [InlineData(BrowserKind.Firefox, "/test/streams/framed", true)]
    [InlineData(BrowserKind.Firefox, "/test/streams/numbers/3", false)]
    public async Task A_page_in_a_frame_of_another_site_reads_by_a_frame_what_says_so(BrowserKind kind, string stream, bool arrives)
    {
        await using var pages = new Site();
        await using var streams = new Site();
        var page = await browsers.OpenTabAsync(kind);
        await page.GotoAsync(OriginOf(pages) + OpenPage);
        await page.EvaluateAsync(
            "url => { document.body.append(Object.assign(document.createElement('iframe'), { src: url })); }", streams.Url + "/test/empty");
        await Eventually.HoldsAsync(() => page.Frames.Any(IsInner), "a page in a frame");
        var inner = page.Frames.First(IsInner);
        await inner.WaitForFunctionAsync("() => window.CometSource");

        await inner.EvaluateAsync(Reader.ScriptOf(new { transport = "frame" }), stream);
        await inner.WaitForFunctionAsync(arrives ? "() => reader.values.length === 3" : "() => reader.told.includes('reconnecting 0')");

        Assert.Equal(arrives ? [1, 2, 3] : [], await inner.EvaluateAsync<int[]>("() => reader.values"));
        await page.CloseAsync();

        bool IsInner(IFrame frame) => frame.Url == streams.Url + "/test/empty";
    }

    // Another site than 127.0.0.1, to browsers.
    private static string OriginOf(Site site) => site.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

    private static Action<IServiceCollection> Allow(string origin) => services => services.AddCors(cors => cors.AddDefaultPolicy(
        policy => policy.WithOrigins(origin).AllowAnyHeader().AllowCredentials()));

    private static Task<Reader> OpenAsync(IPage page, Site pages, Site streams, string stream) =>
        OpenAsync(page, pages, streams.Url + stream, new { });

    private static Task<Reader> OpenAsync(IPage page, Site pages, string stream, object init) =>
        Reader.OpenAsync(page, OriginOf(pages), stream, init, OpenPage);
}
