using System.Net;
using System.Reflection;
using Comet.AspNetCore.Connections;
using Comet.AspNetCore.Tests.Hosting;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Comet.AspNetCore.Tests.DebugPage;

/// <summary>Who gets the debug page, and what it consists of.</summary>
public class PageTests
{
    private static readonly string[] Files = ["", "/page.css", "/page.js", "/comet.js", "/icon.svg", "/stream?wait=0"];

    [Theory]
    [InlineData("Production")]
    [InlineData("Staging")]
    public async Task Outside_Development_there_is_nothing(string environment)
    {
        await using var app = await StartAsync(static app => app.MapCometDebugPage(), environment);

        foreach (var file in Files)
        {
            using var response = await app.GetAsync("/_comet" + file);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task Outside_Development_an_app_that_says_so_has_it_for_whom_it_lets_in()
    {
        await using var app = await StartAsync(static app =>
        {
            app.MapCometDebugPage("/open", outsideDevelopment: true);
            app.MapCometDebugPage("/operators", outsideDevelopment: true).RequireAuthorization();
        });

        foreach (var file in Files)
        {
            using var open = await app.GetAsync("/open" + file);
            using var operators = await app.GetAsync("/operators" + file);
            Assert.Equal(HttpStatusCode.OK, open.StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, operators.StatusCode);
        }
    }

    [Theory]
    [InlineData("/tools/_comet")]
    [InlineData("/tools/_comet/")]
    [InlineData("/tools/%22%3E%3Cb%3E/_comet", "/tools/%22%3E%3Cb%3E/_comet")]
    public async Task The_page_finds_its_files_under_a_path_base(string path, string root = "/tools/_comet")
    {
        await using var app = await StartAsync(
            static app =>
            {
                app.UsePathBase("/tools");
                app.UseRouting();
                app.MapCometDebugPage();
                app.MapCometDebugPage("/{tenant}/_comet");
            },
            Environments.Development);

        using var response = await app.GetAsync(path);
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Contains($"data-root=\"{root}\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{root}", page, StringComparison.Ordinal);
        foreach (var file in Files.Where(file =>
            file.EndsWith("css", StringComparison.Ordinal) || file.EndsWith("js", StringComparison.Ordinal)))
        {
            Assert.Contains($"=\"{root}{file}\"", page, StringComparison.Ordinal);
            using var found = await app.GetAsync(root + file);
            Assert.Equal(HttpStatusCode.OK, found.StatusCode);
        }
    }

    [Fact]
    public async Task Everything_is_checked_anew_and_sent_once_and_only_read()
    {
        await using var app = await StartInDevelopmentAsync();

        foreach (var file in Files.Where(static file => !file.Contains('?')))
        {
            using var response = await app.GetAsync("/_comet" + file);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("no-cache, private", response.Headers.CacheControl!.ToString());
            Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
            using var again = await app.GetAsync("/_comet" + file, ("If-None-Match", response.Headers.ETag!.ToString()));
            Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
            using var head = await app.Client.SendAsync(new(HttpMethod.Head, "/_comet" + file), TestContext.Current.CancellationToken);
            Assert.Equal(
                (HttpStatusCode.OK, response.Content.Headers.ContentLength),
                (head.StatusCode, head.Content.Headers.ContentLength));
            using var post = await app.Client.PostAsync("/_comet" + file, null, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.MethodNotAllowed, post.StatusCode);
        }
    }

    [Fact]
    public async Task The_page_has_no_script_or_style_of_its_own_and_a_policy_that_lets_none_in()
    {
        await using var app = await StartInDevelopmentAsync();

        using var response = await app.GetAsync("/_comet");
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        var policy = response.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'none'; script-src 'self'; style-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("<style", page, StringComparison.Ordinal);
        Assert.DoesNotContain("style=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_of_other_sites_get_no_snapshots()
    {
        await using var app = await StartInDevelopmentAsync();

        using var response = await app.GetAsync("/_comet/stream", ("Sec-Fetch-Site", "cross-site"));

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task The_page_says_what_each_reason_means()
    {
        await using var app = await StartInDevelopmentAsync();

        var script = await app.Client.GetStringAsync("/_comet/page.js", TestContext.Current.CancellationToken);

        string[] ofAFeedOnly = [EndReason.NotAllowed.Name, EndReason.Unavailable.Name, EndReason.Rejected.Name];
        var ends = Constants<EndReason>().Select(static reason => reason.Name).Except(ofAFeedOnly);
        var rejections = Constants<Rejection>().Concat(
            typeof(Rejection).GetMethods(BindingFlags.Static | BindingFlags.NonPublic)
                .Where(static method => method.ReturnType == typeof(Rejection))
                .Select(static method => (Rejection)method.Invoke(null, [TimeSpan.Zero])!)).Select(static rejection => rejection.Reason);

        Assert.All(ends.Concat(rejections), reason => Assert.Contains($"  '{reason}': '", script, StringComparison.Ordinal));

        static IEnumerable<T> Constants<T>() => typeof(T).GetFields(BindingFlags.Static | BindingFlags.NonPublic)
            .Where(static field => field.FieldType == typeof(T))
            .Select(static field => (T)field.GetValue(null)!);
    }

    [Fact]
    public void An_app_without_Comet_is_told_what_to_call()
    {
        using var app = WebApplication.CreateSlimBuilder().Build();

        var exception = Assert.Throws<InvalidOperationException>(() => app.MapCometDebugPage());

        Assert.Contains("AddComet()", exception.Message, StringComparison.Ordinal);
    }

    private static Task<TestApp> StartInDevelopmentAsync() => StartAsync(static app => app.MapCometDebugPage(), Environments.Development);

    private static Task<TestApp> StartAsync(Action<WebApplication> map, string environment = "Production") =>
        TestApp.StartAsync(map, builder =>
    {
        builder.Environment.EnvironmentName = environment;
        builder.Services.AddAuthorization().AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
            cookie.Events.OnRedirectToLogin = static redirect =>
            {
                redirect.Response.StatusCode = StatusCodes.Status401Unauthorized;
                return Task.CompletedTask;
            });
    });
}
