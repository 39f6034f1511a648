using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.BrowserTests.Hosting;

/// <summary>A sign-in that believes whatever it is told.</summary>
internal static class SignIn
{
    internal const string Cookie = "user";
    private const string Scheme = "test";

    /// <summary>Signs in whom the cookie names.</summary>
    internal static void AddByCookie(IServiceCollection services) => Add(services, static request => request.Cookies[Cookie]);

    /// <summary>Signs in whom a function names, if anybody, for so long after each request.</summary>
    internal static void Add(IServiceCollection services, Func<HttpRequest, string?> nameOf, TimeSpan? lifetime = null) =>
        services.AddAuthentication(Scheme).AddScheme<SignInOptions, Handler>(
            Scheme, options => (options.NameOf, options.Lifetime) = (nameOf, lifetime));

    private sealed class SignInOptions : AuthenticationSchemeOptions
    {
        public Func<HttpRequest, string?> NameOf { get; set; } = static _ => null;

        public TimeSpan? Lifetime { get; set; }
    }

    private sealed class Handler(IOptionsMonitor<SignInOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<SignInOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(
            Options.NameOf(Request) is not { } name ? AuthenticateResult.NoResult()
            : AuthenticateResult.Success(new AuthenticationTicket(
                new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, name)], Scheme.Name)),
                new AuthenticationProperties { ExpiresUtc = DateTimeOffset.UtcNow + Options.Lifetime },
                Scheme.Name)));
    }
}
