using Comet.AspNetCore.Stores;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Comet.AspNetCore.Connections;

/// <summary>Asks the app's authorization policies whether a user may read a feed.</summary>
internal static class FeedAuthorization
{
    /// <summary>Asks one policy about one feed.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The policy's name; null: everybody may read the feed.</param>
    /// <param name="feed">The resource that the policy is asked about.</param>
    /// <returns>Why the user may not; null: the user may.</returns>
    /// <exception cref="InvalidOperationException">There is no such policy.</exception>
    internal static async ValueTask<Rejection?> AuthorizeAsync(HttpContext context, string? name, FeedName feed)
    {
        if (name is null)
        {
            return null;
        }
        var services = context.RequestServices;
        var policies = services.GetRequiredService<IAuthorizationPolicyProvider>();
        var policy = await policies.GetPolicyAsync(name) ??
            throw new InvalidOperationException($"There is no authorization policy named {name}.");
        // As in the authorization middleware: the policy may have a scheme of its own, and the stream ends when that sign-in expires.
        var evaluator = services.GetRequiredService<IPolicyEvaluator>();
        var authentication = await evaluator.AuthenticateAsync(policy, context);
        if (authentication.Succeeded)
        {
            context.Features.Set<IAuthenticateResultFeature>(new Authentication(authentication));
        }
        var result = await evaluator.AuthorizeAsync(policy, authentication, context, feed);
        return result.Succeeded ? null : result.Challenged ? Rejection.NotSignedIn : Rejection.NotAllowed;
    }

    private sealed class Authentication(AuthenticateResult? result) : IAuthenticateResultFeature
    {
        public AuthenticateResult? AuthenticateResult { get; set; } = result;
    }
}
