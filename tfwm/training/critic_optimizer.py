"""One optimizer for a critic, another for everything else, in one training step."""

import keras

from tfwm.layers.base import Configured


@keras.saving.register_keras_serializable(package="tfwm")
class CriticOptimizer(Configured, keras.optimizers.Optimizer):
    """Updates a critic's variables by an optimizer of their own.

    Args:
        optimizer: `keras.optimizers.Optimizer` of all other variables. Learning rate and
            iterations are its.
        critic_optimizer: the same of the critic's variables.
        critic: the critic, a `keras.Model`.

    Example:

    >>> critic = tfwm.models.critic.build_clipped_critic()
    >>> optimizer = CriticOptimizer(
    ...     keras.optimizers.Adam(1e-4), keras.optimizers.RMSprop(1e-5, clipvalue=0.25), critic
    ... )
    """

    def __init__(self, optimizer, critic_optimizer, critic, name="critic_optimizer"):
        super().__init__(learning_rate=0.0, name=name)
        self.optimizer = optimizer
        self.critic_optimizer = critic_optimizer
        self.critic = critic

    def build(self, variables):
        if not self.built:
            for optimizer, part in self._split(variables):
                optimizer.build([variable for variable, _ in part])
            self.built = True

    @property
    def variables(self):
        return [*self.optimizer.variables, *self.critic_optimizer.variables]

    @property
    def iterations(self):
        return self.optimizer.iterations

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value

    def apply(self, grads, trainable_variables):
        for optimizer, part in self._split(trainable_variables, list(grads)):
            variables, gradients = zip(*part, strict=True)
            optimizer.apply(gradients, variables)
        return self.iterations

    def finalize_variable_values(self, variables):
        for optimizer, part in self._split(variables):
            optimizer.finalize_variable_values([variable for variable, _ in part])

    def get_config(self):
        return self.own_arguments()  # the base's are both optimizers'

    def save_own_variables(self, store):
        pass  # both optimizers save theirs

    def load_own_variables(self, store):
        pass

    def _split(self, variables, gradients=None):
        """Returns each optimizer with its pairs of variable and gradient."""
        pairs = list(zip(variables, gradients or [None] * len(variables), strict=True))
        critic = {id(variable) for variable in self.critic.variables}  # perhaps made since
        own = [pair for pair in pairs if id(pair[0]) in critic]
        others = [pair for pair in pairs if id(pair[0]) not in critic]
        return (self.optimizer, others), (self.critic_optimizer, own)
