using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

internal sealed class FeedOptionsValidator(IServiceProvider services) : IValidateOptions<FeedOptions>
{
    public ValidateOptionsResult Validate(string? name, FeedOptions options)
    {
        var section = $"Comet:Feeds:{name}";
        string?[] faults =
        [
            FeedOptions.RetainRange.FindFault($"{section}:Retain", options.Retain),
            FeedOptions.RetainBytesRange.FindFault($"{section}:RetainBytes", options.RetainBytes),
            FeedOptions.RetainForRange.FindFault($"{section}:RetainFor", options.RetainFor),
            Enum.IsDefined(options.WhenSlow) ? null : $"{section}:WhenSlow is {options.WhenSlow}; it must be End, Latest or Skip.",
            options.AuthorizationPolicy is not { } policy || Exists(policy) ? null
                : $"{section}:AuthorizationPolicy is {policy}; there is no such policy. " +
                    "Add it with AddAuthorizationBuilder().AddPolicy(...).",
        ];
        return faults.OfType<string>().ToList() is { Count: > 0 } found ? ValidateOptionsResult.Fail(found) : ValidateOptionsResult.Success;
    }

    // This happens once, at start, where waiting for a provider of the app's own is all right.
    private bool Exists(string policy) =>
        services.GetService<IAuthorizationPolicyProvider>()?.GetPolicyAsync(policy).GetAwaiter().GetResult() is not null;
}
