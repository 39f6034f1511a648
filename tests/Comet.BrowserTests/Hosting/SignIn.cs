using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Comet.BrowserTests.Hosting;

/// <summary>A sign-in that expires two seconds after each request, and is renewed by the next one until a test revokes it.</summary>
internal sealed class SignIn
{
    private const string Scheme = "test";
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(2);
    private volatile bool _isRevoked;

    internal void Revoke() => _isRevoked = true;

    internal void AddTo(IServiceCollection services)
    {
        services.AddSingleton(this);
        services.AddAuthentication(Scheme).AddScheme<AuthenticationSchemeOptions, Handler>(Scheme, null);
    }

    private sealed class Handler(
        IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, SignIn signIn)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(signIn._isRevoked
            ? AuthenticateResult.NoResult()
            : AuthenticateResult.Success(new AuthenticationTicket(
                new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, "somebody")], Scheme.Name)),
                new AuthenticationProperties { ExpiresUtc = DateTimeOffset.UtcNow + Lifetime },
                Scheme.Name)));
    }
}
